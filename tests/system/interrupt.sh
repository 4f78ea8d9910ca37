#!/bin/sh
# Ctrl-C reverts, writes an ABORTED report and exits 4; nothing is left.
. tests/support/system.sh
for event in service.started fault.applied await.begin fault.reverted; do
    begin "abort-$event" run scenarios/first-look.lua
    await $event
    namespace=$(world_of $pid)
    kill -INT $pid
    code=0
    wait $pid || code=$?
    [ $code -eq 4 ] || fail "interrupted at $event: expected exit 4, found $code: $(cat "$work/$name.out")"
    is .conclusion aborted
    tail -1 "$work/$name.out" | grep -q 'exit 4: ABORTED' || fail "the last line does not say ABORTED"
    gone "$namespace"
    [ -z "$(ls "$DRILL_STATE_DIR/journal" 2>/dev/null)" ] || fail "a journal entry stands after an orderly abort"
done
