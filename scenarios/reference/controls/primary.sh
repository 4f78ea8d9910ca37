#!/bin/sh
# primary.sh get | primary.sh set REGION: where the store's primary is, moved by a switchover of Patroni's. A standby that is not ready for
# it yet is refused by Patroni; then it is asked again.
set -eu
addresses="{{#each service=patroni}}{{item.region.name}}={{item.address}}{{#sep}} {{/each}}"
ids="{{#each service=patroni}}{{item.region.name}}={{item.region.id}}{{#sep}} {{/each}}"
of() { # LIST, REGION: its value
    for pair in $1; do
        [ "${pair%%=*}" != "$2" ] || echo "${pair#*=}"
    done
}
primary() { # the region whose member holds the leader's lock
    for pair in $addresses; do
        if curl -sf -m 1 -o /dev/null "http://${pair#*=}:8008/primary"; then echo "${pair%%=*}" && return; fi
    done
    echo none
}
case $1 in
get) primary ;;
set)
    for _ in 1 2 3 4 5 6 7 8; do
        now=$(primary)
        [ "$now" != "$2" ] || exit 0
        [ "$now" = none ] || answer=$(curl -s -m 8 "http://$(of "$addresses" "$now"):8008/switchover" \
            -d "{\"leader\": \"$(of "$ids" "$now")\", \"candidate\": \"$(of "$ids" "$2")\"}") || true
        sleep 1
    done
    echo "still in $now: ${answer:-no answer}"
    exit 1
    ;;
esac
