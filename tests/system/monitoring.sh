#!/bin/sh
# A region is lost in front of a real Prometheus: the right alerts fire, in time, and no other; and Prometheus knows when the drill broke what.
. tests/support/system.sh
command -v prometheus prometheus-alertmanager prometheus-blackbox-exporter >/dev/null || skip "Prometheus is not installed: ci/setup monitoring"
topology=scenarios/topologies/monitored.yaml
"$DRILL" up $topology
trap '"$DRILL" down $topology; rm -rf "$work"' EXIT
run monitoring 0 -- run scenarios/monitoring.lua --quiet
is .conclusion completed
[ -s "$folder/topology.base.yaml" ] || fail "the topology that is extended is not in the evidence"
holds '[.objectives[] | select(.metric == "silent_alerts" or .metric == "false_alerts") | .measured == 0] | all and length == 2'
holds '[.phases[] | select(.name == "detect" and (.source | startswith("alert RegionDown")))] | length == 1'
holds '[.findings[] | select(startswith("alert TrafficMoved fired") and endswith("as it should."))] | length == 1'
holds '[.alerts[] | select(.name == "alert RegionDown") | .firings[] | select(.expected and .after == "inject blackhole us-east" and .seconds_to_fire > 0)] | length == 1'

# ask QUERY: the value that Prometheus gives, from inside of its place, after the drill.
ask() {
    world=$(jq -r .world_pid "$DRILL_STATE_DIR/run/up/monitored.json")
    nsenter -t "$world" -m nsenter --net=/run/drill/netns/monitor curl -sS --get --data-urlencode "query=$1" http://10.9.0.60:9090/api/v1/query | jq -r '.data.result[0].value[1]'
}
found=$(ask 'count_over_time((drill_fault_active{fault="blackhole",target="us-east"} == 1)[10m:1s])')
wanted=$(query '.faults[0] | .reverting - .in_force | round')
apart=$((found - wanted))
[ "${apart#-}" -le 3 ] || fail "Prometheus saw the fault in force for $found s, the drill had it there for $wanted s"
