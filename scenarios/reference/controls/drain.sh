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
    case $1 in
    get)
        answer=$(ask "$folder" show map "$folder/drain.map")
        values="$values ${answer##* }"
        ;;
    set) ask "$folder" set map "$folder/drain.map" draining "$2" ;;
    esac
done
case $1,$values in
get,*on*off* | get,*off*on*) echo partly ;;
get,*) echo "${values##* }" ;;
esac
