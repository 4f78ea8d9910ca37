#!/bin/sh
# A prober that knows nothing of drill sees the same outage: the two recovery times differ by no more than the prober's interval plus
# the stated resolution. The region returns before DNS has moved anybody, so that both clients are served again at the same instant,
# whenever each of them asks DNS.
# Alone: what it measures would suffer from a drill beside it.
. tests/support/system.sh
command -v python3 >/dev/null || skip "the prober needs python3"
cat >"$work/short-cut.lua" <<LUA
return drill {
  title = "A short cut", topology = "$PWD/scenarios/topologies/two-region.yaml",
  load = { rate = "200/s", writes = "0%", connections = "new" }, measure = { hold = "5s" },
  objectives = { "rto <= 20s" },
  run = function(d)
    d:steady "3s"
    local dark <close> = d:inject(fault.blackhole { region = "us-east" })
    d:wait "4s"
    dark:revert()
    d:await_recovery { within = "30s" }
  end,
}
LUA
begin probed run "$work/short-cut.lua" --quiet
await load.start
world=$(pgrep -P "$pid" drill-world)
nsenter -t "$world" -U -m -p --preserve-credentials nsenter --net=/run/drill/netns/client \
    python3 "$PWD/tests/support/prober.py" 10.9.0.53 api.example.com 8080 '/orders?limit=1' 0.1 40 >"$work/probes" 2>"$work/probes.err" &
prober=$!
code=0
wait "$pid" || code=$?
late "$code" "$work/probed.out" || [ "$code" -le 1 ] || fail "expected exit 0 or 1, found $code: $(cat "$work/probed.out")"
kill $prober 2>/dev/null || true
wait $prober 2>/dev/null || true
[ -s "$work/probes" ] || fail "the prober said nothing: $(cat "$work/probes.err")"
newest
disrupted=$(jq -r 'select(.kind == "fault.requested") | .t / 1e9' "$folder/events.jsonl")
theirs=$(sort -n "$work/probes" | awk -v from="$disrupted" '$1 >= from { if ($2 == 0) back = 0; else if (!back) back = $1 } END { printf "%.3f", back - from }')
ours=$(query '[.observations[] | select((.cause | startswith("inject")) and .class == "read") | .seconds] | max')
resolution=$(query '.measured.rto.resolution_seconds')
echo "drill: $ours s, prober: $theirs s, resolution $resolution s"
awk -v a="$ours" -v b="$theirs" -v r="$resolution" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a > 3 && d <= 0.1 + r) }' ||
    fail "the recovery times differ by more than the prober's 0.1 s and the resolution"
