#!/bin/sh
# A system that runs already on this machine: faults only when allowed, taken away when the drill dies, undone when its agent dies too.
. tests/support/system.sh
command -v python3 >/dev/null || skip "the server to be drilled needs python3"
python3 tests/support/web.py 18431 "$work/pid" &
server=$!
trap 'kill -CONT $server; kill $server; rm -rf "$work"' EXIT
until [ -s "$work/pid" ]; do
    kill -0 $server || fail "the server did not start"
    sleep 0.05
done
cat >"$work/mine.yaml" <<YAML
name: mine
runtime: local
regions: { here: { hosts: { box: 127.0.0.1 } } }
services:
  web: { role: gateway, on: box, port: 18431, pid_file: $work/pid, ready: { http: / } }
entrypoint: { url: "http://127.0.0.1:18431" }
traffic: { headers: { Authorization: "Bearer {{env.DRILL_TEST_SECRET}}" }, read: { url: "/?k={{env.DRILL_TEST_SECRET}}", status: 200 } }
YAML
export DRILL_TEST_SECRET=geheim8431
cat >"$work/pause.lua" <<LUA
return drill {
  title = "Pause the server", topology = "mine.yaml", load = { rate = "50/s", writes = "0%" }, measure = { hold = "2s" },
  params = { length = "2s" }, objectives = { "rto <= 10s" },
  run = function(d)
    d:steady "2s"
    local paused <close> = d:inject(fault.pause { service = "web" })
    d:wait(d.params.length)
    paused:revert()
    d:await_recovery { within = "20s" }
  end,
}
LUA
state() {
    sed -n 's/^State:\t\(.\).*/\1/p' /proc/$server/status
}
becomes() {
    tries=0
    until [ "$(state)" = "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || fail "the server's state is $(state), not $1"
        sleep 0.1
    done
}
code=0
"$DRILL" run "$work/pause.lua" --archive "$work/refused" >"$work/refused.out" 2>&1 || code=$?
[ $code -eq 2 ] || fail "without --allow-host: expected exit 2, found $code"
grep -q -- --allow-host "$work/refused.out" || fail "the refusal does not say what to do: $(cat "$work/refused.out")"

run allowed 0 3 -- run "$work/pause.lua" --allow-host --quiet # 3: a busy machine may delay the load
is .conclusion completed
holds '.measured.rto.seconds > 0.9 and .measured.rto.seconds < 4' # what is due in the last second of the pause is still answered in time
is '.cleanup.clean' true
becomes S
holds '.measured.requests.failed < .measured.requests.ok'
! grep -rl "$DRILL_TEST_SECRET" "$work" || fail "the secret is in the files above"
grep -rq 'env.DRILL_TEST_SECRET' "$work/allowed" || fail "the evidence does not say what was sent"

begin killed run "$work/pause.lua" --allow-host --set length=60s
await fault.proven
becomes T
kill -KILL "$pid"
becomes S # its agent noticed
"$DRILL" undo | grep -q 'nothing to undo' || fail "a journal entry stands although the agent has reverted"

begin both run "$work/pause.lua" --allow-host --set length=60s
await fault.proven
agents=$(pgrep -P "$pid")
kill -STOP "$pid"
# shellcheck disable=SC2086 # a list of pids
kill -KILL $agents "$pid"
becomes T
code=0
"$DRILL" run "$work/pause.lua" --allow-host --archive "$work/refused" >"$work/refused.out" 2>&1 || code=$?
[ $code -eq 2 ] || fail "with an entry that stands: expected exit 2, found $code: $(cat "$work/refused.out")"
grep -q 'drill undo' "$work/refused.out" || fail "the refusal does not say what to do: $(cat "$work/refused.out")"
"$DRILL" undo || fail "undo failed"
becomes S
"$DRILL" undo | grep -q 'nothing to undo' || fail "undo left an entry"
