#!/bin/sh
# An agent that dies takes its fault with it: the drill ends in good order, says so, and leaves nothing.
. tests/support/system.sh
begin agent run scenarios/first-look.lua
await fault.proven
namespace=$(world_of $pid)
world=$(pgrep -P $pid drill-world)
router=$(nsenter -t "$world" -U -m --preserve-credentials stat -L -c %i /run/drill/netns/us-east)
victim=""
for candidate in $(pgrep -f '^drill agent$'); do
    [ "$(readlink "/proc/$candidate/ns/net")" = "net:[$router]" ] && victim=$candidate
done
[ -n "$victim" ] || fail "the agent of us-east was not found"
kill -KILL "$victim"
code=0
wait $pid || code=$?
[ $code -eq 3 ] || [ $code -eq 4 ] || fail "expected exit 3 or 4, found $code: $(cat "$work/agent.out")"
newest
grep -q '"kind":"agent.lost"' "$folder/events.jsonl" || fail "the evidence does not say that the agent was lost"
gone "$namespace"
