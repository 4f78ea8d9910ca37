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

code=0
"$DRILL" report "$folder" >"$work/out" || code=$?
[ "$code" -eq 3 ] || fail "expected exit 3, found $code: $(cat "$work/out")"
said="did not send 7 of 3000 requests: it was at its own limit (3: over the in-flight limit, 4: no local port was left)"
grep -qF "$said" "$folder/report.html" || fail "report.html does not say '$said'"
