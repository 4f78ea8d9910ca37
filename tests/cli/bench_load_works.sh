#!/bin/sh
# ci/bench load in its short form: that it works, what its file holds and that nothing is sent twice. No figure of time is looked at.
set -eu
for tool in python3 wrk h2load hey chrt jq; do
    command -v $tool >/dev/null || {
        echo "$tool is not installed (ci/setup bench)"
        exit 77
    }
done
chrt -f 1 true 2>/dev/null || {
    echo "real-time priority is not permitted here"
    exit 77
}
work=$(mktemp -d /tmp/drill-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
cmake --build "$DRILL_BUILD" --target bench_load bench_load_server >"$work/build" 2>&1 || {
    cat "$work/build"
    exit 1
}
ci/bench load --quick --build "$DRILL_BUILD" --only resends,hung --json "$work/load.json" >"$work/out" 2>&1 || {
    cat "$work/out"
    exit 1
}
jq -e '.figures | length > 3 and all(.[]; has("name") and has("value") and has("unit") and has("goal") and has("met"))' "$work/load.json" >/dev/null || {
    echo "the figures are not as they should be: $(cat "$work/load.json")"
    exit 1
}
jq -e '.figures[] | select(.name | startswith("hidden re-sends")) | .value == 0 and .met' "$work/load.json" >/dev/null || {
    echo "requests were sent twice: $(cat "$work/load.json")"
    exit 1
}
jq -e '.figures[] | select(.name | endswith("that it killed")) | .value > 0' "$work/load.json" >/dev/null || {
    echo "no connection was killed: nothing is shown"
    exit 1
}
code=0
ci/bench nonsense >"$work/out" 2>&1 || code=$?
[ $code -eq 2 ] && grep -q 'areas:.*load' "$work/out"
