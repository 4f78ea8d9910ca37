#!/bin/sh
# `drill ledger` prints the columns that docs/ledger.md names, and why a request was not sent.
set -eu
folder=$("$DRILL_BUILD/tests/make_evidence" inconclusive 50 60)
work=$(mktemp -d /tmp/drill-test.XXXXXX)
trap 'rm -rf "$folder" "$work"' EXIT
fail()
{
    echo "ledger.sh: $*" >&2
    exit 1
}

"$DRILL" ledger "$folder" --csv >"$work/csv" || fail "exit $?"
head -n 1 "$work/csv" | tr , '\n' >"$work/printed"
# shellcheck disable=SC2016 # the backquotes are Markdown's
sed -n '/^| column /,/^$/s/^| \(`[^|]*`\) |.*/\1/p' docs/ledger.md | tr -d '` ' | tr , '\n' >"$work/documented"
cmp "$work/printed" "$work/documented" || fail "docs/ledger.md has other columns: $(diff "$work/printed" "$work/documented")"
awk -F, 'NR > 1 && NF != columns { exit 1 } { columns = NF }' "$work/csv" || fail "lines of different length"
awk -F, 'NR > 1 && ($4 == "not-sent") != ($15 != "") { exit 1 }' "$work/csv" || fail "a reason where none belongs, or none where one does"
[ "$(awk -F, '$15 == "no local port was left"' "$work/csv" | wc -l)" -eq 4 ] || fail "ports: $(cut -d, -f4,15 "$work/csv" | sort | uniq -c)"
[ "$(awk -F, '$15 == "over the in-flight limit"' "$work/csv" | wc -l)" -eq 3 ] || fail "limit: $(cut -d, -f4,15 "$work/csv" | sort | uniq -c)"

# Who answered before the first disruption, and how many sessions moved in the whole drill, from the columns alone.
fault_ns=$(sed -n 's/.*"t": *\([0-9]*\).*"kind": *"fault.requested".*/\1/p; s/.*"kind": *"fault.requested".*"t": *\([0-9]*\).*/\1/p' "$folder/events.jsonl" | head -n 1)
awk -F, -v fault="$fault_ns" 'NR > 1 && $4 != "not-sent" {
    steady = $5 + $14 < fault
    if (steady && $16 != "") requests[$16]++
    if ($4 == "ok" && $16 != "") { if (last[$17] != "" && last[$17] != $16) moves[steady]++; last[$17] = $16 }
} END { printf "us-east-app1 %d us-east-app2 %d moves %d\n", requests["us-east-app1"], requests["us-east-app2"], moves[1] + 0 }' "$work/csv" >"$work/awk"

code=0
"$DRILL" report "$folder" >"$work/out" || code=$?
[ "$code" -eq 3 ] || fail "expected exit 3, found $code: $(cat "$work/out")"
said="did not send 7 of 3000 requests: it was at its own limit (3: over the in-flight limit, 4: no local port was left)"
grep -qF "$said" "$folder/report.html" || fail "report.html does not say '$said'"
python3 - "$folder/report.json" >"$work/report" <<'PYTHON'
import json, sys
steady = json.load(open(sys.argv[1]))["measured"]["shares"][0]
assert steady["window"] == "steady", steady["window"]
rows = [f"{row['name']} {row['requests']}" for row in steady["servers"] if row["name"]]
print(*rows, "moves", steady["sessions"]["moves"])
PYTHON
cmp "$work/awk" "$work/report" || fail "shares: by awk $(cat "$work/awk"), in report.json $(cat "$work/report")"
