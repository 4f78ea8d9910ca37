#!/bin/sh
# The replication mode decides what a region outage loses: about three seconds of writes, each named, or nothing.
. tests/support/system.sh
run async 1 -- run scenarios/lagging-replica.lua --quiet --set replication=async
is .conclusion completed
holds '.measured.rpo.lost >= 180 and .measured.rpo.lost <= 450'
holds '.measured.rpo.seconds > 2 and .measured.rpo.seconds < 5'
holds '.measured.rpo.lost == (.measured.rpo.lost_ids | length)'
run sync 0 1 -- run scenarios/lagging-replica.lua --quiet --set replication=sync
is .conclusion completed
is .measured.rpo.lost 0
