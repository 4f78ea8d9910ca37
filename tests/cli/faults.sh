#!/bin/sh
# The catalogue of faults: every fault says all there is to say, and docs/faults.md is what the tables say today.
set -eu

fail() {
    echo "$*" >&2
    exit 1
}

text=$(mktemp)
trap 'rm -f "$text"' EXIT
"$DRILL" faults --markdown >"$text"
diff -u docs/faults.md "$text" || fail "docs/faults.md is not what the tables say: drill faults --markdown > docs/faults.md"
names=$("$DRILL" faults | sed -n 's/^  \([a-z_]*\) .*/\1/p')
[ "$(echo "$names" | wc -l)" -ge 15 ] || fail "the list is short: $names"
for name in $names; do
    "$DRILL" faults "$name" >"$text"
    for part in "fault\.$name {" hits proof needs mechanisms undone; do
        grep -q "^  *$part" "$text" || fail "drill faults $name does not say '$part'"
    done
done
"$DRILL" faults refuse | grep -q 'port .*0 to 65535' || fail "limits are not shown"
"$DRILL" faults delay | grep -q 'duration' || fail "units are not shown"
if "$DRILL" faults blackhol 2>"$text"; then
    fail "a fault that is not there was shown"
fi
grep -q "did you mean 'blackhole'" "$text" || fail "no hint: $(cat "$text")"
