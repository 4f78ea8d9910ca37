#!/bin/sh
# The main drill passes, its report has every documented path, and nothing is left.
# Alone: what it measures would suffer from a drill beside it.
. tests/support/system.sh
for attempt in first second; do
    begin "outage-$attempt" run scenarios/region-outage.lua --quiet
    await fault.proven
    namespace=$(world_of "$pid")
    code=0
    wait "$pid" || code=$?
    late "$code" "$work/$name.out" || break
done
[ "$code" -le 1 ] || fail "expected exit 0 or 1, found $code: $(cat "$work/$name.out")"
gone "$namespace"
is .schema drill-report/1
is .conclusion completed
is .exit_code "$code"
is '.faults[0].proof | length > 0' true
is '.faults[0].residue | length' 0
holds '.measured.requests | .scheduled == .ok + .failed + .timed_out + .not_sent'
holds '.measured.rto.seconds > 3 and .measured.rto.seconds < 25'
holds '.measured.rto.resolution_seconds > 0'
holds '.measured.rpo.acknowledged > 500'
is .measured.rpo.lost 0
is .driver.schedule_kept true
# Where root may give real-time priority the load has it, though it runs in a user namespace.
if [ "$(id -u)" -eq 0 ] && chrt -f 1 true 2>/dev/null; then
    grep -q '"load.stop".*"realtime":true' "$folder/events.jsonl" || fail "the load went without real-time priority"
fi
holds '[.phases[].name] | index("detect") != null and index("switch") != null and index("promote") != null'
for path in drill.id drill.scenario drill.title drill.started drill.ended drill.seed objectives verdict measured.rto.recovered \
    measured.rto.outage_start measured.rto.recovery measured.rpo.seconds measured.rpo.lost_during_outage measured.rpo.duplicated \
    measured.rpo.unknown_present measured.rpo.unknown_absent measured.latency.before.p50 measured.latency.during.p95 \
    measured.latency.after.p99 observations driver.late_p99_seconds driver.late_max_seconds environment; do
    holds "[paths | map(tostring) | join(\".\")] | index(\"$path\") != null"
done
for file in report.html report.md junit.xml metrics.prom events.jsonl plan.json environment.json scenario.lua topology.yaml; do
    [ -s "$folder/$file" ] || fail "$file is missing"
done
"$DRILL" report "$folder" >/dev/null || [ $? -eq "$code" ] || fail "drill report gives another verdict"
"$DRILL" verify "$work/$name" >"$work/verify.out" || fail "drill verify finds fault with a drill of just now: $(cat "$work/verify.out")"
# The definitions and the ledger's page are enough to get at the same figures without drill.
"$DRILL" ledger "$folder" --csv >"$work/ledger.csv"
awk -f tests/support/rto_rpo.awk -v folder="$folder" "$folder/plan.json" "$folder/events.jsonl" "$work/ledger.csv" >"$work/awk.out" ||
    fail "rto_rpo.awk failed"
read -r rto lost rpo <"$work/awk.out"
holds ".measured.rto.seconds - $rto | fabs < 0.000001"
is .measured.rpo.lost "$lost"
holds ".measured.rpo.seconds - $rpo | fabs < 0.000001"
