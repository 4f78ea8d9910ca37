# A test timestamp authority in $work/tsa; sourced after system.sh. Sets $tsa_url; $work/tsa/ca.pem is what to trust.
make_tsa() {
    mkdir "$work/tsa"
    (
        cd "$work/tsa"
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -subj "/CN=test authority"
        openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj "/CN=test timestamps"
        printf 'extendedKeyUsage=critical,timeStamping\n' >ext
        openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile ext -out tsa.pem
        echo 01 >serial.tsa
    ) >"$work/tsa.log" 2>&1 || fail "no test timestamp authority: $(tail -3 "$work/tsa.log")"
    cat >"$work/tsa/tsa.cnf" <<CNF
[tsa]
default_tsa = one
[one]
serial = $work/tsa/serial.tsa
signer_cert = $work/tsa/tsa.pem
certs = $work/tsa/ca.pem
signer_key = $work/tsa/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
CNF
    python3 tests/support/tsa.py "$work/tsa/tsa.cnf" "$work/tsa/port" &
    tsa_pid=$!
    until [ -s "$work/tsa/port" ]; do
        kill -0 $tsa_pid || fail "the timestamp service did not start"
        sleep 0.05
    done
    tsa_url=http://127.0.0.1:$(cat "$work/tsa/port")/
}
