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
run after 0 1 3 -- run scenarios/first-look.lua --quiet
is .conclusion completed
