#!/bin/sh
# ci/side-by-side puts the figures of several reports into one page, and refuses what cannot stand side by side.
set -eu
work=$(mktemp -d /tmp/drill-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}

drill() { # NAME ALGORITHM FAILED PART…
    mkdir "$work/$1"
    echo "{\"settings\": {\"algorithm\": \"$2\", \"proxy\": \"haproxy\"}}" >"$work/$1/plan.json"
    report=$work/$1/report.json
    failed=$3
    shift 3
    for part; do
        echo "{\"window\": \"$part\", \"requests\": 200, \"failed\": $failed, \"latency\": {\"p99\": 0.0423}, \"sessions\": {\"seen\": 40, \"moved\": 1},
               \"servers\": [{\"name\": \"app2\", \"share_percent\": 24.6}, {\"name\": \"\", \"share_percent\": 0}]}"
    done | jq -s '{measured: {shares: .}}' >"$report"
}

drill one roundrobin 3 steady "during kill app1" "during kill app1, after recovery" "after kill app1"
drill two source 60 steady "during kill app1"
drill other source 0 steady
printf 'before\n<!-- side by side -->\nold\n<!-- end of side by side -->\nbehind\n' >"$work/page"

ci/side-by-side --into "$work/page" proxy,algorithm "$work/one" "$work/two" || fail "exit $?"
grep -qxF '| proxy | algorithm | steady | kill app1 |' "$work/page" || fail "$(cat "$work/page")"
for line in 'roundrobin | 1.5 % | 1.5 %' 'source | 30 % | 30 %' 'source | 42 ms | 42 ms' 'source | 2.5 % | 2.5 %' 'source | 25 | 25'; do
    grep -qxF "| haproxy | $line |" "$work/page" || fail "no line '$line': $(cat "$work/page")"
done
grep -q old "$work/page" && fail "the old tables are still there"
[ "$(sed -n '1p;$p' "$work/page" | tr '\n' ' ')" = "before behind " ] || fail "the page around the tables changed: $(cat "$work/page")"
ci/side-by-side --into "$work/page" proxy,algorithm "$work/one" "$work/two" || fail "not a second time"

ci/side-by-side algorithm "$work/one" "$work/other" >"$work/out" 2>&1 && fail "drills with other parts stand side by side"
grep -q 'not drills with the same parts' "$work/out" || fail "$(cat "$work/out")"
echo nothing >"$work/page"
ci/side-by-side --into "$work/page" algorithm "$work/one" >"$work/out" 2>&1 && fail "a page without the lines was written"
[ "$(cat "$work/page")" = nothing ] || fail "the page was changed"
