#!/bin/sh
# schema.sh get | schema.sh set drop|delete|initial: the migration that the database was given last. A bad one is run as migrations are, in
# one transaction; to have the initial one back means point-in-time recovery to the moment before it.
# schema.sh recovery get | schema.sh recovery set started|idle: that recovery, begun by an operator and going on by itself, step by step,
# with each step written down when it begins; idle waits for its end.
set -eu
state='{{state}}'
servers='{{#each service=patroni}}{{item.host.name}}={{item.address}}{{#sep}} {{/each}}'
copy='{{#if set.copy=files}}1{{#else}}2{{/if}}'
bin=/usr/lib/postgresql/15/bin

step() { printf '%s\n' "$1" >"$state/patroni-us-east-db/step"; }

sql() { # ADDRESS STATEMENT…
    address=$1
    shift
    PGCONNECT_TIMEOUT=2 "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$address" -U postgres "$@"
}

primary() { # HOST=ADDRESS of the one that takes writes
    for server in $servers; do
        if [ "$(sql "${server#*=}" -c 'select pg_is_in_recovery()' 2>/dev/null)" = f ]; then echo "$server" && return; fi
    done
    return 1
}

on() { # HOST COMMAND…: as the database's account on its host, as by ssh
    host=$1
    shift
    nsenter --target "$(cat "$state/patroni-$host/pid")" --user --net --preserve-credentials -- env LC_ALL=C "$@"
}

until_true() { # COMMAND…, for a minute
    for _ in $(seq 600); do
        ! "$@" 2>/dev/null || return 0
        sleep 0.1
    done
    echo "after a minute still not true: $*"
    return 1
}

patroni_is() { # ADDRESS PATH
    curl -sf -m 1 -o /dev/null "http://$1:8008$2"
}

paused() { curl -sf -m 1 "http://$1:8008/patroni" | grep -q '"pause": true'; }

pause() { # true|null: may Patroni start and stop servers?
    curl -sf -m 5 -o /dev/null -X PATCH -d "{\"pause\": $1}" "http://${first#*=}:8008/config"
}

writable() { [ "$(sql "$1" -c 'select pg_is_in_recovery()')" = f ]; }

stop_all() {
    for server in $servers; do
        until_true paused "${server#*=}"
    done
    on "${first%%=*}" "$bin/pg_ctl" stop -w -m fast -D "$data" # the last of its log is archived before it ends
    for server in $servers; do
        [ "$server" = "$first" ] || on "${server%%=*}" "$bin/pg_ctl" stop -w -m fast -D "$state/patroni-${server%%=*}/data"
    done
}

# With the arguments that Patroni gave; to the end of recovery.
start_first() {
    on "${first%%=*}" "$bin/pg_ctl" start -w -t 60 -D "$data" -l "$data/../restored.log" -o "$arguments" >/dev/null
    until_true writable "${first#*=}"
    sql "${first#*=}" -c 'alter system reset all' -c 'select pg_reload_conf()' # recovery's settings would go to the replicas
}

rebuild_replicas() {
    until_true patroni_is "${first#*=}" /primary
    pause null
    for server in $servers; do
        [ "$server" = "$first" ] || until_true curl -sf -m 5 -o /dev/null -d '{"force": true}' "http://${server#*=}:8008/reinitialize"
    done
    for server in $servers; do
        [ "$server" = "$first" ] || until_true patroni_is "${server#*=}" /replica
    done
}

recover() {
    first=$(primary)
    data=$state/patroni-${first%%=*}/data
    arguments=$(sed 's/^[^ ]* //' "$data/postmaster.opts")
    step 'stopping all servers'
    pause true
    stop_all
    step 'restoring files'
    on "${first%%=*}" pgbackrest --config="$data/../pgbackrest.conf" --stanza=orders --repo="$copy" --delta --type=time \
        --target="$(cat "$state/before")" --target-action=promote restore
    step 'replaying the log'
    start_first
    step 'serving, replicas are rebuilt'
    rebuild_replicas
    step 'done'
}

migrate() { # NAME STATEMENT; when it began is what an operator finds in the migration's log
    server=$(primary)
    sql "${server#*=}" -c 'select clock_timestamp()' >"$state/before"
    sql "${server#*=}" -c "begin; $2; insert into migrations values ('$1'); commit"
}

# Once: whoever comes second waits, and finds it done.
recover_once() {
    exec 9>"$state/recovery.lock"
    flock 9
    [ "$(version)" = initial ] || recover 9>&- # servers that it starts must not hold the lock
}

version() {
    server=$(primary) && sql "${server#*=}" -c 'select name from migrations order by at desc limit 1' 2>/dev/null || echo unknown
}

case "$1 ${2:-}" in
'recovery get') cat "$state/recovery" 2>/dev/null || echo idle ;;
'recovery set')
    if [ "$3" = started ]; then
        setsid sh "$0" set initial </dev/null >"$state/recovery.log" 2>&1 & # its end is not waited for
    else
        flock "$state/recovery.lock" true
    fi
    echo "$3" >"$state/recovery"
    ;;
'get '*) version ;;
set\ *)
    case $2 in
    drop) migrate drop 'drop table orders' ;;
    delete) migrate delete 'delete from orders' ;;
    initial) recover_once ;;
    esac
    ;;
esac
