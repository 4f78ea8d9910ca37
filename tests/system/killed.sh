#!/bin/sh
# SIGKILL of the controller at any moment leaves nothing, and the next drill runs.
. tests/support/system.sh
for event in drill.start service.started load.start fault.applied fault.reverting; do
    begin "kill-$event" run scenarios/first-look.lua
    await $event
    namespace=$(world_of $pid 2>/dev/null) || namespace=none
    kill -KILL $pid
    wait $pid 2>/dev/null || true
    gone "$namespace"
done
"$DRILL" undo || fail "undo says that something is left"
code=0
"$DRILL" report "$folder" >"$work/report.out" 2>&1 || code=$?
[ $code -ne 0 ] || fail "evidence of a killed drill must not pass"
# What each left is named by verify, and sealed by the next drill; a drill that is refused at once is enough for that.
"$DRILL" verify "$work/$name" >"$work/verify.out" && fail "verify does not miss the result of a killed drill"
grep -q 'it was interrupted and is not sealed' "$work/verify.out" || fail "verify does not name it: $(cat "$work/verify.out")"
run after 0 1 3 -- run scenarios/first-look.lua --quiet
is .conclusion completed
"$DRILL" run scenarios/first-look.lua --archive "$work/$name" --sign-key /nowhere >"$work/refused.out" 2>&1 &&
    fail "a drill that cannot be signed was made"
grep -q "exit 2" "$work/refused.out" || fail "a key that is missing must exit 2: $(cat "$work/refused.out")"
[ -z "$(find "$work/$name/.running" -mindepth 1 ! -name lock)" ] || fail "a refused drill leaves something"
for event in service.started load.start fault.applied fault.reverting; do
    name=kill-$event
    "$DRILL" seal "$work/$name" >"$work/seal.out" 2>&1 || fail "$name: $(cat "$work/seal.out")"
    grep -q 'sealed what the interrupted drill' "$work/seal.out" || fail "$name: nothing was sealed: $(cat "$work/seal.out")"
    "$DRILL" verify "$work/$name" >"$work/verify.out" || fail "$name: $(cat "$work/verify.out")"
    newest
    is .verdict inconclusive
done
