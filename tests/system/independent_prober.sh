#!/bin/sh
# A prober that knows nothing of drill sees the same outage: the two recovery times differ by no more than the prober's interval plus
# the stated resolution.
. tests/support/system.sh
command -v python3 >/dev/null || skip "the prober needs python3"
begin probed run scenarios/first-look.lua --quiet
await steady.ok
world=$(pgrep -P $pid drill-world)
nsenter -t "$world" -U -m -p --preserve-credentials nsenter --net=/run/drill/netns/client \
    python3 tests/support/prober.py 10.9.0.53 api.example.com 8080 '/orders?limit=1' 0.1 45 >"$work/probes" &
prober=$!
code=0
wait $pid || code=$?
[ $code -le 1 ] || fail "expected exit 0 or 1, found $code: $(cat "$work/probed.out")"
kill $prober 2>/dev/null || true
wait $prober 2>/dev/null || true
disrupted=$(jq -r 'select(.kind == "fault.requested") | .t / 1e9' "$folder/events.jsonl")
reverted=$(jq -r 'select(.kind == "fault.reverting") | .t / 1e9' "$folder/events.jsonl")
theirs=$(awk -v from="$disrupted" -v to="$reverted" '$1 >= from && $1 < to { if ($2 == 0) last = $1; else if (last > seen) { seen = last; back = $1 } }
    END { printf "%.3f", back - from }' "$work/probes")
ours=$(query '[.observations[] | select((.cause | startswith("inject")) and .class == "read") | .seconds] | max')
resolution=$(query '.measured.rto.resolution_seconds')
echo "drill: $ours s, prober: $theirs s, resolution $resolution s"
awk -v a="$ours" -v b="$theirs" -v r="$resolution" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a > 0 && d <= 0.1 + r) }' ||
    fail "the recovery times differ by more than the prober's 0.1 s and the resolution"
