#!/bin/sh
# routing.sh get KEY | routing.sh set KEY on|off: whether DNS may answer with what gdnsd has by that key, "metafo/api/REGION" or
# "ADDRESS/gateway", by its file of administrative states. What it says is what gdnsd answers by now, not what the file holds: the file
# takes effect a few seconds later.
set -eu
folder='{{dir}}'
key=$2
file=$folder/state/admin_state
case $1 in
get)
    states=$(gdnsdctl -c "$folder" states 2>/dev/null)
    if echo "$states" | grep -F "\"$key\"" | grep -q DOWN; then echo off; else echo on; fi
    ;;
set)
    touch "$file"
    grep -vF "$key " "$file" >"$file.new" || true
    [ "$3" = on ] || echo "$key => DOWN" >>"$file.new"
    mv "$file.new" "$file"
    ;;
esac
