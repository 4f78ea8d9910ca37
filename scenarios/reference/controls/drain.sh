#!/bin/sh
# drain.sh get | drain.sh set on|off: whether the gateways of {{region.name}} ask their clients to come again over a new connection, which
# then goes where DNS says. They serve on meanwhile.
set -eu
ask() { # GATEWAY'S FOLDER, COMMAND…: over HAProxy's socket
    perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => shift() . "/admin.sock") or die "no gateway listens: $!\n";
        print $s "@ARGV\n"; print while <$s>' "$@"
}
folders='{{#each role=gateway,region=this}}{{state}}/haproxy-{{item.host.name}}{{#sep}} {{/each}}'
values=
for folder in $folders; do
    case $1,${2:-} in
    get,*) values="$values $(ask "$folder" get var proc.draining)" ;;
    set,on) ask "$folder" "experimental-mode on; set var proc.draining bool(true)" ;;
    set,*) ask "$folder" "experimental-mode on; set var proc.draining bool(false)" ;;
    esac
done
case $1,$values in
get,*'<0>'*'<1>'* | get,*'<1>'*'<0>'*) echo partly ;;
get,*'<1>'*) echo on ;;
get,*'<0>'*) echo off ;;
esac
