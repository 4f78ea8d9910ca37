#!/bin/sh
# One small drill with secrets in every corner, signed and timestamped: none of them is in the archive or on the terminal, everything can
# be checked in a room without drill, and what is changed there is noticed.
. tests/support/system.sh
. tests/support/tsa.sh
command -v python3 >/dev/null || skip "the server to be drilled needs python3"
make_tsa
trap 'kill $tsa_pid; rm -rf "$work"' EXIT

cat >"$work/web.py" <<'PYTHON'
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        print(self.requestline, self.headers, sep="\n")
        body = b'{"role": "leader, password=PLANTED01", "token": "PLANTED02"}'
        self.send_response(200)
        self.send_header("Set-Cookie", "sid=PLANTED03")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("Authorization: Bearer PLANTED04\nX-Tenant: PLANTED05\nSet-Cookie: sid=PLANTED06\n{\"apiKey\":\"PLANTED07\"}")
print("connecting to postgres://app:PLANTED08@db/x?sslpassword=PLANTED09&key=PLANTED10 and to PLANTEDlearned0123456789")
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
PYTHON
cat >"$work/small.yaml" <<YAML
name: small
regions: { here: { id: h1 } }
region_hosts: { box: 11 }
hosts: { client: 10.9.0.100 }
redact: [x-tenant]
services:
  web:
    role: gateway
    on: box
    port: 8080
    command: [python3, -u, $work/web.py, --password, PLANTED11, "--header=X-Api-Key: PLANTED12"]
    env: { API_TOKEN: PLANTED13, DB_URL: "postgres://app:PLANTED14@db/x", OTHER_SECRET: PLANTEDlearned0123456789 }
    ready: { http: "/healthz?access_token=PLANTED15" }
observers:
  role: { each: role=gateway, kind: role, http: "http://u:PLANTED16@{{address}}:8080/?sig=PLANTED17", field: role, every: 200ms, timeout: 1s }
entrypoint: { url: "http://10.1.0.11:8080" }
traffic: { read: { url: "/orders?token=PLANTED18&n=1", status: 200 } }
YAML
cat >"$work/small.lua" <<'LUA'
return drill {
  title = "Pause the server (password: PLANTED19)", topology = "small.yaml", load = { rate = "50/s", writes = "0%" },
  measure = { hold = "1s" }, params = { token = "PLANTED20", header = "Cookie: PLANTED21" }, objectives = { "rto <= 10s" },
  redact = { "x-own" },
  run = function(d)
    d:steady "1s"
    d:note("told by https://u:PLANTED22@chat/?code=PLANTED23, x-own: PLANTED24")
    local paused <close> = d:inject(fault.pause { service = "web" })
    d:wait "1s"
    paused:revert()
    d:await_recovery { within = "20s" }
  end,
}
LUA
mkdir "$work/trust"
ssh-keygen -q -t ed25519 -N '' -C drill -f "$work/key"
printf 'drills@example.com namespaces="dr-drill" %s\n' "$(cat "$work/key.pub")" >"$work/trust/allowed_signers"
cp "$work/tsa/ca.pem" "$work/trust/"

run small 0 1 3 -- run "$work/small.lua" --sign-key "$work/key" --timestamp-url "$tsa_url" --set token=PLANTED25
is .conclusion completed
for planted in "$work/web.py" "$work/small.yaml" "$work/small.lua"; do
    grep -q PLANTED "$planted" || fail "nothing is planted in $planted"
done
if grep -ra "PLANTED[0-9a-z]*" "$work/small" "$work/small.out"; then
    fail "secrets got into the archive or onto the terminal"
fi
jq -e '.redacted | map(.file) | unique | contains(["environment.json", "events.jsonl", "logs/web@here-box.log", "plan.json", "scenario.lua", "topology.yaml"])' \
    "$folder/redactions.json" >/dev/null || fail "not every file is in the list of redactions: $(cat "$folder/redactions.json")"
for said in 'Secrets taken out' 'scenario and topology added to the rules: x-tenant, x-own\.'; do
    grep -q "$said" "$folder/report.html" || fail "report.html does not say '$said'"
done
jq -e '.added == ["x-tenant", "x-own"]' "$folder/redactions.json" >/dev/null || fail "the user's own rules are not in the list"
for check in report verify; do
    "$DRILL" $check "$folder/.." >"$work/$check.out" 2>&1 || [ $check = report ] || fail "$(cat "$work/$check.out")"
done
"$DRILL" report 1 --archive "$work/small" --check >"$work/check.out" || fail "$(cat "$work/check.out")"
"$DRILL" report 0001-small --archive "$work/small" --output "$work/rendered" >/dev/null || true
for file in report.json report.html statement.intoto.json; do
    cmp "$work/rendered/$file" "$folder/$file" || fail "$file rendered elsewhere has other bytes"
done
"$DRILL" ledger 1 --archive "$work/small" | grep -q '^client,' || fail "the ledger of a sealed drill cannot be printed"
find "$work/small" -newer "$work/report.out" -type f | grep . && fail "drill report or verify wrote into the archive"
"$DRILL" verify "$work/small" --allowed-signers "$work/trust/allowed_signers" --signer drills@example.com \
    --timestamp-ca "$work/trust/ca.pem" >"$work/verify.out" || fail "$(cat "$work/verify.out")"
grep -q 'at a time that its timestamp proves' "$work/verify.out" || fail "the timestamp was not used: $(cat "$work/verify.out")"

# The commands of README-VERIFY.txt, as printed, in a room without drill.
cat >"$work/room" <<'ROOM'
! command -v drill
cd /archive
sha256sum -c --strict --quiet LEDGER
test "$(ls -d */Q?/*/ | sed 's|$|tagmanifest-sha256.txt|' | LC_ALL=C sort)" = "$(cut -c67- LEDGER | LC_ALL=C sort)"
for b in */Q?/*/; do
    cd "/archive/$b"
    sha256sum -c --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt
    test "$(find data ! -type d | LC_ALL=C sort)" = "$(cut -c67- manifest-sha256.txt | LC_ALL=C sort)"
    test ! -e previous-sha256.txt || sha256sum -c --strict --quiet previous-sha256.txt
    ssh-keygen -Y verify -f /trust/allowed_signers -I drills@example.com -n dr-drill -s tagmanifest-sha256.txt.sig <tagmanifest-sha256.txt
    openssl ts -verify -data tagmanifest-sha256.txt.sig -in tagmanifest-sha256.txt.sig.tsr -CAfile /trust/ca.pem
done
echo verified
ROOM
room() {
    tests/support/clean_room.sh "$1" "$work/trust" "$(cat "$work/room")" >"$work/room.out" 2>&1
}
room "$work/small" || fail "in a room without drill: $(cat "$work/room.out")"
grep -q '^verified' "$work/room.out" || fail "the room did not come to its end: $(cat "$work/room.out")"
grep -c '^Good "dr-drill" signature' "$work/room.out" | grep -qx 2 || fail "not both bundles are signed: $(cat "$work/room.out")"
for change in '*/data/report.json' '*/tagmanifest-sha256.txt.sig' '*/data/events.jsonl'; do
    rm -rf "$work/changed"
    cp -r "$work/small" "$work/changed"
    file=$(find "$work/changed" -path "$change" | sort | tail -1)
    printf 'x' | dd of="$file" bs=1 seek=100 conv=notrunc 2>/dev/null
    room "$work/changed" && fail "a changed $file is not noticed in the room"
    "$DRILL" verify "$work/changed" --allowed-signers "$work/trust/allowed_signers" >/dev/null && fail "a changed $file is not noticed"
done

# A timestamp service that is gone: no drill without the proof that was asked for.
kill $tsa_pid
wait $tsa_pid 2>/dev/null || true
trap 'rm -rf "$work"' EXIT
code=0
"$DRILL" run "$work/small.lua" --archive "$work/small" --sign-key "$work/key" --timestamp-url "$tsa_url" >"$work/refused" 2>&1 || code=$?
[ $code -eq 2 ] || fail "without its timestamp service: expected exit 2, found $code: $(cat "$work/refused")"
grep -q 'timestamp service' "$work/refused" || fail "it does not say why: $(cat "$work/refused")"
[ "$(wc -l <"$work/small/LEDGER")" -eq 2 ] || fail "a refused drill is in LEDGER"
