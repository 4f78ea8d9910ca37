#!/bin/sh
# What a latency-based routing service does all the time: measures from each network how long a connection to each region takes, and
# lets DNS answer with the nearest. Here the network of {{region.name}}; all networks' lines together are the map that gdnsd reads.
# A region that does not answer keeps its last figure: whether it is healthy is not for this map to say.
folder='{{state}}/nearest'
mine=$folder/'{{region.id}}'
network='{{region.cidr}}'
targets='{{#each regions}}{{item.id}}={{#each role=gateway,region=item}}{{item.address}}{{#sep}},{{/each}}{{#sep}} {{/each}}'
mkdir -p "$folder"
while :; do
    for target in $targets; do
        addresses=${target#*=}
        best=
        for _ in 1 2 3; do # the quickest of three: a busy machine is no distance
            took=$(curl -s -o /dev/null -m 1 -w '%{time_connect}' "http://${addresses%%,*}:8080/healthz") || continue 2
            best=$(printf '%s\n' "$took" ${best:+"$best"} | sort -n | head -1)
        done
        echo "$best ${target%%=*}" >"$mine.to.${target%%=*}"
    done
    order=$(cat "$mine".to.* 2>/dev/null | sort -n | awk '{ printf "%s%s", (NR > 1 ? ", " : ""), $2 }')
    if [ -n "$order" ] && [ "$network => [ $order ]" != "$(cat "$mine.line" 2>/dev/null)" ]; then
        echo "$network => [ $order ]" >"$mine.line"
        cat "$folder"/*.line >"$mine.nets" && mv "$mine.nets" "$folder/nets"
        echo "$network => [ $order ]"
    fi
    sleep 1
done
