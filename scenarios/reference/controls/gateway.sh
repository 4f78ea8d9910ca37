#!/bin/sh
# gateway.sh get ADDRESS | gateway.sh set ADDRESS on|off: whether DNS may answer with a gateway, by gdnsd's file of administrative states.
# What it says is what gdnsd answers by now, not what the file holds: the file takes effect a few seconds later.
set -eu
folder='{{dir}}'
key="$2/gateway"
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
