#!/bin/sh
# docs/drill.1 has every command of `drill help` and every option of every command.
set -eu
work=$(mktemp -d /tmp/drill-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
fail()
{
    echo "manual.sh: $*" >&2
    exit 1
}

sed 's/\\-/-/g; s/\\f[BIR]//g' docs/drill.1 >"$work/plain"
"$DRILL" run --help >"$work/asked"
"$DRILL" help run | cmp - "$work/asked" || fail "'drill run --help' is not 'drill help run'"
"$DRILL" --help | sed -n 's/^  drill \([a-z][a-z]*\) .*/\1/p' >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 20 ] || fail "only these commands were found: $(cat "$work/commands")"
while read -r command; do
    grep -qE "^\\.B $command( |\$)" "$work/plain" || fail "the command '$command' is missing"
    "$DRILL" help "$command" | sed -n '/^Options/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' >"$work/options"
    while read -r option; do
        echo "$option" >>"$work/all"
        grep -qE "^\\.B --$option( |\$)" "$work/plain" || fail "the option --$option of '$command' is missing"
    done <"$work/options"
done <"$work/commands"
sed -n 's/^\.B --\([a-z-]*\).*/\1/p' "$work/plain" | while read -r option; do
    grep -qx -e "$option" "$work/all" || fail "there is no option --$option"
done
[ "$(sort -u "$work/all" | wc -l)" -ge 25 ] || fail "only these options were found: $(sort -u "$work/all")"
