#!/bin/sh
# The topology's own certificate authority: makes a root, the leaf that gateways show, and three that nobody should ever show. Each gateway
# gets its own copies, in a folder named after its host: ca.sh FOLDER HOST…
set -eu
cd "$1"
shift
name=api.example.com

config() { # of `openssl ca`, which alone can sign for any days (x509 counts from now)
    cat <<EOF
[ca]
default_ca = own
[own]
database = $PWD/index
serial = $PWD/serial
new_certs_dir = $PWD
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
EOF
}

leaf() { # FILE NAME FROM TO
    printf 'subjectAltName=DNS:%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$2" >leaf.ext
    openssl req -new -key leaf.key -subj "/CN=$2" -out leaf.csr
    openssl ca -batch -notext -config ca.conf -extfile leaf.ext -startdate "$3" -enddate "$4" -in leaf.csr -out leaf.pem
    cat leaf.pem leaf.key >"$1.pem"
}

day() { date -u -d "$1" +%Y%m%d000000Z; }

umask 077
config >ca.conf
: >index
echo 01 >serial
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl ecparam -name prime256v1 -genkey -noout -out leaf.key
openssl req -x509 -new -key ca.key -subj "/CN=drill root" -days 30 -out ca.pem
leaf api $name "$(day '-2 days')" "$(day '+20 days')"
leaf expired $name "$(day '-90 days')" "$(day '-1 day')"
leaf not-yet-valid $name "$(day '+2 days')" "$(day '+90 days')"
leaf wrong-name www.example.org "$(day '-2 days')" "$(day '+20 days')"
for host in "$@"; do
    mkdir -p "$host"
    cp api.pem expired.pem not-yet-valid.pem wrong-name.pem "$host/"
done
touch ready
exec sleep infinity
