#!/bin/sh
# clean_room.sh ARCHIVE TRUST SCRIPT: run SCRIPT by sh in a root of its own that holds nothing but a few public programs, /archive and
# /trust (both read-only); no network, no drill. For checking that an auditor needs no more.
set -eu
archive=$(readlink -f "$1")
trust=$(readlink -f "$2")
script=$3
programs="dash sha256sum sort cut ls sed wc cat find ssh-keygen openssl"
export archive trust script programs
# shellcheck disable=SC2016 # for the inner shell
exec unshare --map-root-user --mount --net --pid --fork sh -euc '
root=/mnt
mount -t tmpfs none $root
mkdir -p $root/bin $root/dev $root/etc $root/tmp $root/archive $root/trust
touch $root/dev/null
ssl=$(openssl version -d | sed "s/.*\"\(.*\)\"/\1/") # openssl wants its configuration, be it empty
mkdir -p "$root$ssl"
touch "$root$ssl/openssl.cnf"
mount --bind /dev/null $root/dev/null
echo "root:x:0:0::/:/bin/sh" >$root/etc/passwd
for program in $programs; do
    path=$(readlink -f "$(command -v "$program")")
    cp "$path" "$root/bin/$program"
    ldd "$path" | grep -o "/[^ ]*" | while read -r library; do
        mkdir -p "$root${library%/*}"
        cp -n "$library" "$root$library"
    done
done
mv $root/bin/dash $root/bin/sh
mount --bind "$archive" $root/archive
mount -o remount,ro,bind $root/archive
mount --bind "$trust" $root/trust
mount -o remount,ro,bind $root/trust
cd /
exec env -i PATH=/bin HOME=/ "$(command -v chroot)" $root /bin/sh -euc "$script"
'
