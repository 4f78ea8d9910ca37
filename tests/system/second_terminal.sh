#!/bin/sh
# A running drill is found, noted into and stopped from a second terminal; an abort_when rule stops it too. Either way faults are out.
. tests/support/system.sh
run_aborted() { # WHO: the drill in $pid has ended as it should
    code=0
    wait "$pid" || code=$?
    [ $code -eq 4 ] || fail "$name: expected exit 4, found $code: $(cat "$work/$name.out")"
    is .conclusion aborted
    grep '"kind":"abort"' "$folder/events.jsonl" | grep -q "$1" || fail "$name: the report does not say who: $(grep '"kind":"abort"' "$folder/events.jsonl")"
    is '.cleanup.clean' true
    gone "$namespace"
    [ -z "$(ls "$DRILL_STATE_DIR/journal" 2>/dev/null)" ] || fail "$name: a journal entry stands"
    [ -z "$(ls "$DRILL_STATE_DIR/run/control")" ] || fail "$name: its control socket is still there"
}
code=0
"$DRILL" abort >"$work/none.out" 2>&1 || code=$?
[ $code -eq 2 ] || fail "abort without a drill: expected exit 2, found $code"
grep -q 'no drill of this user is running' "$work/none.out" || fail "it does not say that none is running"

begin terminal run scenarios/first-look.lua
await fault.proven
namespace=$(world_of $pid)
"$DRILL" note declared by the duty manager || fail "the note was not taken"
grep '"kind":"note"' "$folder/events.jsonl" | grep -q '"text":"declared by the duty manager"' || fail "the note is not in the events"
[ "$("$DRILL" abort --reason 'customers are calling' "$(basename "$folder")" | tail -1)" = "drill $(basename "$folder") has ended" ] ||
    fail "abort did not wait for the end"
run_aborted "$(id -un) (pid [0-9]*): customers are calling"

# A rule: planned, refused when it is wrong, and kept.
sed -e 's|"topologies/|"'"$PWD"'/scenarios/topologies/|' -e 's/^  title/  abort_when = { "failed > 5% for 1s" },\n  title/' \
    scenarios/first-look.lua >"$work/rule.lua"
sed 's/failed > 5%/faild > 5%/' "$work/rule.lua" >"$work/wrong.lua"
"$DRILL" plan "$work/rule.lua" | grep -q 'stops when: failed > 5% for 1s' || fail "the plan does not show the rule"
"$DRILL" plan "$work/wrong.lua" >"$work/wrong.out" 2>&1 && fail "a wrong rule passes the plan"
grep -q "wrong.lua:[0-9]*:[0-9]*: abort_when.*did you mean 'failed'" "$work/wrong.out" || fail "the refusal is not clear: $(cat "$work/wrong.out")"
begin rule run "$work/rule.lua"
await fault.proven
namespace=$(world_of $pid)
run_aborted 'abort_when .*failed > 5% for 1s'
