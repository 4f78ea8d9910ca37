#!/bin/sh
# Starts a service behind its host's firewall: behind-firewall.sh REGION:DRIFT RULES COMMAND…; where a region has drifted there is none.
set -eu
where=$1
rules=$2
shift 2
[ "$where" = us-west:backend-port ] || nft -f "$rules"
exec "$@"
