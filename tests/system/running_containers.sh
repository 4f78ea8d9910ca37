#!/bin/sh
# Containers that run already, in an engine of the test's own, under the names of scenarios/topologies/running-containers.yaml: refused by a
# wrong name, hit by a drill that is killed, put back by `drill undo`; and packets in a container's own namespace, whose interface has
# another name since the container was taken out of its network and put back.
. tests/support/system.sh
[ "$(id -u)" -eq 0 ] || skip "a container engine needs root"
command -v dockerd >/dev/null || skip "dockerd is not installed (ci/setup containers)"
command -v busybox >/dev/null || skip "the container's program, busybox, is not installed (ci/setup containers)"
if [ "${1:-}" != inside ]; then
    # What a killed drill's containers leave: undo takes it away, and leaves alone what belongs to a drill that lives.
    cgroups=$(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs -printf '%h\n' | head -1)
    gone=$(sh -c 'echo $$')
    if [ -n "$cgroups" ] && mkdir -p "$cgroups/drill-engine-$gone/container" "$cgroups/drill-engine-$$" 2>/dev/null; then
        "$DRILL" undo >"$work/out" || fail "undo: $(cat "$work/out")"
        rmdir "$cgroups/drill-engine-$$" || fail "undo removed the cgroups of a drill that lives"
        [ ! -e "$cgroups/drill-engine-$gone" ] || fail "undo left the cgroups of a drill that is gone"
    fi
    rm -rf "$work"
    code=0
    unshare -nimpf --mount-proc --kill-child "$0" inside "running-containers-$$" || code=$?
    for folder in /sys/fs/cgroup/*/"running-containers-$$" /sys/fs/cgroup/"running-containers-$$"; do
        [ ! -d "$folder" ] || find "$folder" -depth -type d -delete || code=1
    done
    exit $code
fi
mount --make-rprivate / || skip "the mounts of an engine cannot be made here"
mount -t tmpfs tmpfs /run
mkdir /run/lock /run/engine
ip link set lo up 2>/dev/null || busybox ip link set lo up
socket=/run/engine/sock
dockerd --data-root /run/engine/root --exec-root /run/engine/exec --pidfile /run/engine/pid --host unix://$socket --group root \
    --bridge none --cgroup-parent "/$2" >"$work/engine.log" 2>&1 &
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
echo well >"$work/image/www/healthz"
echo '# 0' >"$work/image/www/orders"
tar c -C "$work/image" . | curl -s --unix-socket $socket -H 'Content-Type: application/x-tar' --data-binary @- \
    "http://engine/v1.41/images/create?fromSrc=-&repo=web" >/dev/null
api POST /networks/create '{"Name": "front", "IPAM": {"Config": [{"Subnet": "10.77.7.0/24"}]}}' >/dev/null
container() { # NAME ADDRESS PUBLISHED
    api POST "/containers/create?name=$1" '{"Image": "web", "Cmd": ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"],
        "ExposedPorts": {"8080/tcp": {}}, "HostConfig": {"NetworkMode": "front", "PortBindings": {'"$3"'},
        "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 20000}]},
        "NetworkingConfig": {"EndpointsConfig": {"front": {"IPAMConfig": {"IPv4Address": "'"$2"'"}}}}}' >/dev/null
    api POST "/containers/$1/start"
}
container shop-gateway-1 10.77.7.10 '"8080/tcp": [{"HostPort": "8080"}]'
container shop-gateway-2 10.77.7.11 ''
container shop-orders-1 10.77.7.20 ''
container shop-orders-2 10.77.7.21 ''

export DOCKER_HOST=unix://$socket
cp scenarios/topologies/running-containers.yaml "$work/"
cat >"$work/gone.lua" <<LUA
return drill {
  title = "The image is gone", topology = "running-containers.yaml", load = { rate = "50/s", writes = "0%" }, measure = { hold = "2s" },
  objectives = { "rto <= 10s" },
  run = function(d)
    local gone <close> = d:inject(fault.image_gone { service = "gateway@blue-gw" })
    d:wait "60s"
  end,
}
LUA
cat >"$work/late.lua" <<LUA
return drill {
  title = "Late packets", topology = "running-containers.yaml", load = { rate = "50/s", writes = "0%" }, measure = { hold = "1s" },
  objectives = { "p50 <= 100ms during delay" },
  run = function(d)
    d:steady "1s"
    local late <close> = d:inject(fault.delay { host = "blue-gw", by = "200ms" })
    d:wait "2s"
  end,
}
LUA
status() {
    api GET /containers/shop-gateway-1/json | jq -r '.State.Status // "none"'
}
sed 's/shop-gateway-1/shop-gatewey-1/' "$work/running-containers.yaml" >"$work/wrong.yaml"
sed 's/running-containers.yaml/wrong.yaml/' "$work/gone.lua" >"$work/wrong.lua"
code=0
"$DRILL" plan "$work/wrong.lua" >"$work/wrong.out" 2>&1 || code=$?
[ $code -eq 2 ] || fail "a container that is not there: expected exit 2, found $code"
grep -q "did you mean 'shop-gateway-1'" "$work/wrong.out" || fail "the right name is not named: $(cat "$work/wrong.out")"

begin gone run "$work/gone.lua"
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

api POST /networks/front/disconnect '{"Container": "shop-gateway-1"}'
api POST /networks/front/connect '{"Container": "shop-gateway-1", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.77.7.10"}}}'
grep -q eth0 "/proc/$(api GET /containers/shop-gateway-1/json | jq .State.Pid)/net/dev" && fail "the interface is the one that it was"
run late 1 -- run "$work/late.lua"
grep -q "\"fault.proven\".*\"ok\":true" "$folder/events.jsonl" || fail "the delay was not proven: $(cat "$work/late.out")"
holds '.objectives[0].measured >= 0.2 and .faults[0].residue == []'
