#!/bin/sh
# An ordinary user runs the same drill.
# Alone: what it measures would suffer from a drill beside it.
. tests/support/system.sh
[ "$(id -u)" -eq 0 ] || skip "this is an ordinary user already: the other system tests are this test"
user=65534
cp "$DRILL" "$(dirname "$DRILL")/ordersd" "$work/"
mkdir -p "$DRILL_STATE_DIR"
chown -R $user "$work"
chmod 755 "$work"
as() {
    setpriv --reuid=$user --regid=$user --clear-groups env HOME="$work" DRILL_STATE_DIR="$DRILL_STATE_DIR" "$@"
}
as "$work/drill" doctor || skip "user namespaces are refused to ordinary users here"
name=user
for attempt in 1 2; do
    code=0
    as "$work/drill" run scenarios/region-outage.lua --quiet --archive "$work/user" >"$work/user.out" 2>&1 || code=$?
    late "$code" "$work/user.out" || break
    echo "attempt $attempt was spoilt by a busy machine"
done
newest
[ "$code" -le 1 ] || fail "expected exit 0 or 1, found $code: $(cat "$work/user.out")"
is .conclusion completed
is .measured.rpo.lost 0
holds '.measured.rto.seconds > 3 and .measured.rto.seconds < 25'
