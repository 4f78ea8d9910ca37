#!/bin/sh
# A topology that is kept between drills: up, status, two drills on it, down.
. tests/support/system.sh
topology=scenarios/topologies/two-region.yaml
"$DRILL" up $topology
trap '"$DRILL" down $topology; rm -rf "$work"' EXIT
"$DRILL" status $topology || fail "not everything is well"
code=0
"$DRILL" up $topology >"$work/again" 2>&1 || code=$?
[ $code -eq 2 ] || fail "a second up: expected exit 2, found $code"
run first 0 1 -- run scenarios/first-look.lua --quiet
is .conclusion completed
tries=0
until "$DRILL" status $topology >"$work/status"; do # the old primary's region takes a while to be a replica again
    tries=$((tries + 1))
    [ $tries -lt 60 ] || fail "not everything is well after the drill: $(cat "$work/status")"
    sleep 0.3
done
"$DRILL" down $topology
code=0
"$DRILL" status $topology || code=$?
[ $code -eq 1 ] || fail "status of a topology that is down: expected exit 1, found $code"
