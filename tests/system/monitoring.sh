#!/bin/sh
# A region is lost in front of a real Prometheus: the right alerts fire, in time, and no other.
. tests/support/system.sh
command -v prometheus prometheus-alertmanager prometheus-blackbox-exporter >/dev/null || skip "Prometheus is not installed: ci/setup monitoring"
run monitoring 0 -- run scenarios/monitoring.lua --quiet
is .conclusion completed
[ -s "$folder/topology.base.yaml" ] || fail "the topology that is extended is not in the evidence"
holds '[.objectives[] | select(.metric == "silent_alerts" or .metric == "false_alerts") | .measured == 0] | all and length == 2'
holds '[.phases[] | select(.name == "detect" and (.source | startswith("alert RegionDown")))] | length == 1'
holds '[.findings[] | select(startswith("alert TrafficMoved fired") and endswith("as it should."))] | length == 1'
