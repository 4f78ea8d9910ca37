#!/bin/sh
# An object store with one bucket, over TLS with a certificate of its own. pgBackRest looks for the address among the certificate's DNS names.
set -eu
umask 077
cd '{{dir}}'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN={{address}}' \
    -addext 'subjectAltName=DNS:{{address}},IP:{{address}}' -keyout key.pem -out cert.pem
exec node '{{set.packages}}/s3rver/bin/s3rver.js' --silent --directory buckets --address '{{address}}' --port '{{port}}' \
    --key key.pem --cert cert.pem --configure-bucket backups
