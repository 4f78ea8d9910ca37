#!/bin/sh
# A failover manager that takes the leader key back unconditionally loses acknowledged writes when the failed region returns: the second
# read-back finds them, and names each.
. tests/support/system.sh
run etcd3 1 -- run scenarios/region-outage.lua --quiet --set dcs=etcd3
is .conclusion completed
is .verdict fail
holds '.measured.rpo.lost > 300'
holds '.measured.rpo.lost == (.measured.rpo.lost_ids | length)'
holds '[.measured.rpo.checks[] | select(.cause == "recovery") | .newly_missing] | add == 0'
holds '.measured.rpo.lost == ([.measured.rpo.checks[] | select(.cause == "failback") | .newly_missing] | add)'
