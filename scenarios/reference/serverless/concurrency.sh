#!/bin/sh
# concurrency.sh get | concurrency.sh set NUMBER: how many instances of the function may run at once in {{region.name}}; 0 refuses all.
set -eu
ask() { # over HAProxy's socket
    perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => shift() . "/admin.sock") or die "no gateway listens: $!\n";
        print $s "@ARGV\n"; print while <$s>' "{{dir}}" "$@"
}
case $1 in
get) ask get var proc.concurrency | sed -n 's/.*<\([0-9]*\)>.*/\1/p' ;;
set) ask "experimental-mode on; set var proc.concurrency int($2)" ;;
esac
