#!/bin/sh
# Containers that run already, in an engine of the test's own: refused by a wrong name, hit by a drill that is killed, put back by `drill undo`.
. tests/support/system.sh
[ "$(id -u)" -eq 0 ] || skip "a container engine needs root"
command -v dockerd >/dev/null || skip "dockerd is not installed (ci/setup containers)"
command -v busybox >/dev/null || skip "the container's program, busybox, is not installed"
if [ "${1:-}" != inside ]; then
    rm -rf "$work"
    unshare -nimpf --mount-proc --kill-child "$0" inside && exit 0 || exit $?
fi
mount --make-rprivate / || skip "the mounts of an engine cannot be made here"
mount -t tmpfs tmpfs /run
mkdir /run/lock /run/engine
ip link set lo up 2>/dev/null || busybox ip link set lo up
socket=/run/engine/sock
dockerd --data-root /run/engine/root --exec-root /run/engine/exec --pidfile /run/engine/pid --host unix://$socket --group root \
    --cgroup-parent drill-engine --bridge none >"$work/engine.log" 2>&1 &
engine=$!
until curl -sf --unix-socket $socket http://engine/_ping >/dev/null; do
    kill -0 $engine || skip "no engine starts here: $(tail -1 "$work/engine.log")"
    sleep 0.1
done
api() { # METHOD PATH [JSON]
    curl -s --unix-socket $socket -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} "http://engine/v1.41$2"
}
mkdir -p "$work/image/bin" "$work/image/www"
cp "$(command -v busybox)" "$work/image/bin/busybox"
echo well >"$work/image/www/index.html"
tar c -C "$work/image" . | curl -s --unix-socket $socket -H 'Content-Type: application/x-tar' --data-binary @- \
    "http://engine/v1.41/images/create?fromSrc=-&repo=web" >/dev/null
api POST /networks/create '{"Name": "front", "IPAM": {"Config": [{"Subnet": "10.77.7.0/24"}]}}' >/dev/null
api POST "/containers/create?name=shop-web-1" '{"Image": "web", "Cmd": ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"],
    "HostConfig": {"NetworkMode": "front", "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 20000}]},
    "NetworkingConfig": {"EndpointsConfig": {"front": {"IPAMConfig": {"IPv4Address": "10.77.7.10"}}}}}' >/dev/null
api POST /containers/shop-web-1/start

cat >"$work/shop.yaml" <<YAML
name: shop
runtime: docker
engine: unix://$socket
regions: { blue: { hosts: { web: shop-web-1 } } }
services: { web: { role: gateway, on: web, port: 8080, ready: { http: / } } }
entrypoint: { url: "http://10.77.7.10:8080" }
traffic: { read: { url: "/", status: 200 } }
YAML
cat >"$work/gone.lua" <<LUA
return drill {
  title = "The image is gone", topology = "shop.yaml", load = { rate = "50/s", writes = "0%" }, measure = { hold = "2s" },
  objectives = { "rto <= 10s" },
  run = function(d)
    local gone <close> = d:inject(fault.image_gone { service = "web" })
    d:wait "60s"
  end,
}
LUA
status() {
    api GET /containers/shop-web-1/json | jq -r '.State.Status // "none"'
}
sed 's/shop-web-1/shop-wep-1/' "$work/shop.yaml" >"$work/wrong.yaml"
sed 's/shop.yaml/wrong.yaml/' "$work/gone.lua" >"$work/wrong.lua"
code=0
"$DRILL" plan "$work/wrong.lua" >"$work/wrong.out" 2>&1 || code=$?
[ $code -eq 2 ] || fail "a container that is not there: expected exit 2, found $code"
grep -q "did you mean 'shop-web-1'" "$work/wrong.out" || fail "the right name is not named: $(cat "$work/wrong.out")"

begin gone run "$work/gone.lua" --allow-host
await fault.proven
[ "$(status)" = none ] || fail "the container is $(status) while its image is gone"
agents=$(pgrep -P "$pid")
kill -STOP "$pid"
# shellcheck disable=SC2086 # a list of pids
kill -KILL $agents "$pid"
[ "$(status)" = none ] || fail "the container is $(status) though nobody has put it back"
"$DRILL" undo || fail "undo failed"
[ "$(status)" = running ] || fail "after undo the container is $(status)"
api GET /images/json | jq -e '[.[].RepoTags[]] == ["web:latest"]' >/dev/null || fail "images after undo: $(api GET /images/json | jq -c '[.[].RepoTags]')"
"$DRILL" undo | grep -q 'nothing to undo' || fail "undo left an entry"
