#!/bin/sh
# ci/setup puts nothing into motion: first with real tools on this machine, then with stand-ins for apt-get and dpkg-query in a folder of
# its own, where it can be seen what packages would see while they are installed, and what is left after success, failure and Ctrl-C.
set -eu
home=$(readlink -f "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

listening() { # local addresses of listening TCP sockets, and how many UDP ones there are
    awk 'FNR > 1 && $4 == "0A" { print $2 }' /proc/net/tcp /proc/net/tcp6 | sort
}

enabled() {
    find /etc/systemd/system /etc/rc?.d -type l 2>/dev/null | sort
}

# --- this machine
if "$home/ci/setup" run </dev/null >"$work/first" 2>&1; then
    # Other programs come and go: only what is there right after, was not before, and stays, counts.
    listening >"$work/listening.before"
    enabled >"$work/enabled.before"
    stat -c "%a %U %s %Y %Z" /usr/sbin/policy-rc.d >"$work/policy.before" 2>&1 || true
    "$home/ci/setup" all >"$work/second" 2>&1 || fail "ci/setup all: $(cat "$work/second")"
    enabled | cmp -s - "$work/enabled.before" || fail "ci/setup changed which units are enabled"
    stat -c "%a %U %s %Y %Z" /usr/sbin/policy-rc.d 2>&1 | cmp -s - "$work/policy.before" || fail "ci/setup changed policy-rc.d"
    # 1389 5432 2379 6379 26379 8008 80 8404 53: ports of the packages' default services, in hexadecimal
    for port in 1538 094B 18EB 670B 1F48 0050 0035; do
        listening | grep ":$port\$" >"$work/now" || continue
        grep -qF "$(head -n 1 "$work/now")" "$work/listening.before" || fail "port 0x$port listens after ci/setup, and did not before"
    done
else
    echo "this machine's part left out: ci/setup cannot install here: $(head -n 1 "$work/first")"
fi

# --- stand-ins
mkdir -p "$work/bin" "$work/root/usr/sbin"
cat >"$work/bin/dpkg-query" <<'END'
#!/bin/sh
case $1 in
-L) [ "$2" != haproxy ] || printf '%s\n' /lib/systemd/system/haproxy.service /etc/init.d/haproxy /usr/sbin/haproxy ;;
*) sed 's/^/installed /' "$WORK/installed" ;;
esac
END
cat >"$work/bin/apt-get" <<'END'
#!/bin/sh
# Only the call that installs counts.
case " $* " in *" -s "* | *" update "*) exit 0 ;; esac
echo "$*" >"$WORK/apt.arguments"
"$DRILL_SETUP_ROOT/usr/sbin/policy-rc.d" haproxy start && echo 0 >"$WORK/policy.answer" || echo $? >"$WORK/policy.answer"
cat "$DRILL_SETUP_ROOT"/etc/postgresql-common/createcluster.d/* >"$WORK/cluster" 2>/dev/null
[ ! -e "$WORK/hang" ] || {
    echo waiting >"$WORK/reached"
    read -r _ <"$WORK/hang"
}
[ ! -e "$WORK/broken" ] || { echo "E: no such mirror"; exit 100; }
for word; do case $word in -* | *::* | install) ;; *) echo "$word" >>"$WORK/installed" ;; esac; done
END
for tool in deb-systemd-helper update-rc.d; do
    # shellcheck disable=SC2016 # for the stand-in to expand
    printf '#!/bin/sh\necho "%s $*" >>"$WORK/disabled"\n' "$tool" >"$work/bin/$tool"
done
chmod +x "$work"/bin/*
export WORK="$work" DRILL_SETUP_ROOT="$work/root"
PATH=$work/bin:$PATH
policy=$work/root/usr/sbin/policy-rc.d

begin() { # a machine with redis-server of its owner's, and a policy of its own
    rm -rf "$work/root" "$work"/hang "$work"/broken "$work"/disabled "$work"/apt.* "$work"/policy.answer "$work"/cluster "$work"/reached
    mkdir -p "${policy%/*}"
    printf '#!/bin/sh\n# its owner wrote this\nexit 0\n' >"$policy"
    chmod 750 "$policy"
    echo redis-server >"$work/installed"
}

as_before() { # WHEN
    [ "$(stat -c %a "$policy")" = 750 ] || fail "$1: policy-rc.d has other permissions"
    grep -q "its owner wrote this" "$policy" || fail "$1: policy-rc.d is not as it was"
    left=$(find "$work/root" -type f ! -path "$policy" ! -name drill-setup.lock)
    [ -z "$left" ] || fail "$1: left behind: $left"
}

if [ "$(id -u)" -eq 0 ]; then
    begin
    "$home/ci/setup" run >"$work/out" 2>&1 || fail "setup: $(cat "$work/out")"
    grep -q "ci/setup installs: gcc .*haproxy" "$work/out" || fail "does not say what it installs: $(cat "$work/out")"
    [ "$(cat "$work/policy.answer")" = 101 ] || fail "services may start during the install"
    grep -q "create_main_cluster = false" "$work/cluster" || fail "PostgreSQL would make a cluster"
    grep -q -- "--force-confold" "$work/apt.arguments" || fail "configuration that was there would be replaced"
    ! grep -q "redis-server" "$work/apt.arguments" || fail "asks for what is installed"
    grep -qx "deb-systemd-helper disable haproxy.service" "$work/disabled" || fail "haproxy's unit stays enabled"
    grep -qx "update-rc.d haproxy disable" "$work/disabled" || fail "haproxy's init script stays enabled"
    ! grep -q redis "$work/disabled" || fail "touches a service that was there before"
    as_before "after success"

    begin
    : >"$work/broken"
    ! "$home/ci/setup" run >"$work/out" 2>&1 || fail "a failed install is not told"
    grep -q "no such mirror" "$work/out" || fail "apt-get's output is not shown"
    as_before "after a failure"

    begin
    mkfifo "$work/hang" "$work/reached"
    # A shell ignores SIGINT for what it starts with "&", so env resets it.
    env --default-signal=INT "$home/ci/setup" run >"$work/out" 2>&1 &
    pid=$!
    timeout 20 cat "$work/reached" >/dev/null || fail "setup did not get to apt-get: $(cat "$work/out")"
    kill -INT $pid
    echo >"$work/hang"
    status=0
    wait $pid || status=$?
    [ $status -eq 130 ] || fail "Ctrl-C ended with $status, expected 130"
    as_before "after Ctrl-C"

    begin # killed with SIGKILL during an install: the next run puts things back
    mv "$policy" "$policy.before-drill"
    printf '#!/bin/sh\n# placed by drill ci/setup while it installs\nexit 101\n' >"$policy"
    "$home/ci/setup" run >"$work/out" 2>&1 || fail "setup: $(cat "$work/out")"
    as_before "after a run that was killed"

    begin # and without a policy before there is none after
    rm "$policy"
    "$home/ci/setup" run >"$work/out" 2>&1 || fail "setup: $(cat "$work/out")"
    [ ! -e "$policy" ] || fail "leaves a policy-rc.d where there was none"
fi

begin
: >"$work/apt.none"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/sudo"
printf '#!/bin/sh\necho 1000\n' >"$work/bin/id"
chmod +x "$work/bin/sudo" "$work/bin/id"
! "$home/ci/setup" run >"$work/out" 2>&1 || fail "without root it must fail"
grep -q "sudo $home/ci/setup run" "$work/out" || fail "without root it must print the command: $(cat "$work/out")"
[ ! -e "$work/apt.arguments" ] || fail "without root it must not call apt-get"
echo "ci/setup starts and enables nothing, and leaves no traces"
