#!/bin/sh
# The programme over six real drills: pass, fail, inconclusive, aborted, a retest that passed, and a pass that is too old by a later day.
. tests/support/system.sh
archive=$work/sample/archive
ci/sample-archive "$work/sample" || fail "the sample archive was not made"
[ "$(find "$archive" -name '*.plan' | wc -l)" -ge 6 ] || fail "not every drill has a sealed plan"
cd "$work/sample"

# expect CODE PATTERN COMMAND…
expect() {
    wanted=$1 pattern=$2
    shift 2
    code=0
    "$DRILL" "$@" >"$work/out" 2>&1 || code=$?
    if [ $code -ne "$wanted" ] || ! grep -qE -- "$pattern" "$work/out"; then
        cat "$work/out"
        fail "drill $*: expected exit $wanted and '$pattern', found exit $code"
    fi
}
drills() { # EXPRESSION on index.json
    jq -er "$1" "$archive/index.json" >/dev/null || fail "index.json: $1 does not hold"
}
expect 0 'lose-region .*PFPA|lose-region .*FPA' history
expect 0 'nothing is overdue' due
expect 7 'exit 7: OVERDUE \(lossy-region\)' due --at "$(date -u -d '+10 days' +%F)"
drills '[.scenarios[] | select(.overdue) | .scenario] == ["lossy-region"]'
drills '[.scenarios[].drills[].outcome] | contains(["PASS", "FAIL", "INCONCLUSIVE", "ABORTED"])'
drills '.scenarios[] | select(.scenario == "lose-region") | .open_actions == 1 and .rto.n >= 3'

# the retest names what it repeats, in evidence and report; the budget is in both
failed=$(jq -r '[.scenarios[].drills[] | select(.outcome == "FAIL")][0].name' "$archive/index.json")
retest=$(find "$archive" -path '*/data/report.json' -exec jq -r "select(.retest_of.name == \"$failed\") | input_filename" {} \; | head -1)
[ -n "$retest" ] || fail "no report says that it is a retest of $failed"
jq -e '.verdict == "pass" and (.retest_of.missed | length) > 0 and (.retest_of.tagmanifest_sha256 | length) == 64' "$retest" >/dev/null ||
    fail "the link to the failed drill is not complete"
jq -e '.budget.lines | map(.effect) | contains(["stricter", "added", "warn"])' "$retest" >/dev/null || fail "the budget's effects are not told"
[ "$(jq -r .budget.sha256 "$retest")" = "$(sha256sum "$(dirname "$retest")/drill-budgets.yaml" | cut -d' ' -f1)" ] ||
    fail "the budget in the evidence is not the one that was judged by"
expect 0 'params.stuck: "8s" -> "0s"' compare "$failed" "$(basename "$(dirname "$(dirname "$retest")")")"

# a review cannot come from who operated the drill
sed 's/head of operations/on-call platform engineer/' "review-$failed.yaml" >own.yaml
expect 2 'operated this drill' review "$failed" --seal --file own.yaml
expect 0 'verified' verify archive
rm archive/index.html archive/index.json
expect 0 'index.html: [0-9]+ drills of 2 scenarios' index
expect 0 'verified' verify archive
