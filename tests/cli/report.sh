#!/bin/sh
# `drill report DIR` writes every format from the evidence alone, the same bytes again, and exits as the drill did.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
drill=${DRILL:?the path of the drill binary}

fail()
{
    echo "report.sh: $*" >&2
    exit 1
}

cat > "$folder/plan.json" <<'JSON'
{"drill_id": "20260101-000000-cut", "scenario": "cut", "title": "Cut short", "topology": "three-region", "seed": 1,
 "objectives": ["rto <= 20s"], "regions": [],
 "measure": {"window_ns": 1000000000, "minimum_count": 5, "good_share": 0.99, "latency_ns": 1000000000, "hold_ns": 5000000000}}
JSON
cat > "$folder/events.jsonl" <<'JSON'
{"t": 1000000000, "utc": "2026-01-01T00:00:01.000Z", "kind": "drill.start", "drill_id": "20260101-000000-cut"}
{"t": 2000000000, "utc": "2026-01-01T00:00:02.000Z", "kind": "abort", "reason": "interrupted"}
{"t": 3000000000, "utc": "2026-01-01T00:00:03.000Z", "kind": "residue", "clean": true, "left": []}
{"t": 3000000000, "utc": "2026-01-01T00:00:03.000Z", "kind": "drill.end", "conclusion": "aborted", "reason": "interrupted"}
JSON

code=0
"$drill" report "$folder" > "$folder/out" || code=$?
[ "$code" -eq 4 ] || fail "an aborted drill must exit 4, not $code: $(cat "$folder/out")"
grep -q '^exit 4: ' "$folder/out" || fail "the last line must say the exit code in words: $(cat "$folder/out")"
if grep -q "$(printf '\033')" "$folder/out"; then
    fail "colour codes in a pipe"
fi

formats="report.json report.html report.md junit.xml metrics.prom samples.csv charts/timeline.svg charts/phases.svg charts/regions.svg
charts/latency.svg charts/failures.svg charts/history.svg"
mkdir -p "$folder/first/charts"
for format in $formats; do
    [ -s "$folder/$format" ] || fail "$format was not written"
    mv "$folder/$format" "$folder/first/$format"
done
"$drill" report "$folder" > "$folder/out" || true
for format in $formats; do
    cmp "$folder/first/$format" "$folder/$format" || fail "$format has other bytes the second time"
done
