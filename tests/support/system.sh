# Shared by the system tests: real drills. Sourced; expects $DRILL (the binary) and to run from the top of the checkout.
set -eu
work=$(mktemp -d /tmp/drill-test.XXXXXX)
export DRILL_STATE_DIR="$work/state"
trap 'rm -rf "$work"' EXIT

skip() {
    echo "SKIPPED: $*"
    exit 77
}
fail() {
    echo "FAILED: $*"
    exit 1
}

"$DRILL" doctor >"$work/doctor" || skip "this machine cannot run the reference topologies: $(grep MISSING "$work/doctor" | head -3)"

# late CODE OUTPUT: the machine was too busy to keep the load on its schedule, and the drill rightly says that it cannot judge.
late() {
    [ "$1" -eq 3 ] && grep -q -e 'the driver was late' -e 'requests not sent' "$2"
}

# newest: sets $folder to the evidence and reports of the last drill that was sealed into $work/$name.
newest() {
    folder=$(find "$work/$name" -mindepth 4 -maxdepth 4 -path '*/Q?/*/data' ! -path '*.plan/data' ! -path '*.review*' | sort | tail -1)
}

# run NAME EXIT… -- ARGUMENTS: a drill in the archive $work/NAME; its exit code must be one of those given. Sets $folder to its evidence.
# A drill that a busy machine spoilt is made once more.
run() {
    name=$1
    shift
    wanted=""
    while [ "$1" != -- ]; do
        wanted="$wanted $1"
        shift
    done
    shift
    for attempt in 1 2; do
        code=0
        "$DRILL" "$@" --archive "$work/$name" >"$work/$name.out" 2>&1 || code=$?
        late "$code" "$work/$name.out" || break
        echo "$name: attempt $attempt was spoilt by a busy machine"
    done
    newest
    case " $wanted " in
    *" $code "*) ;;
    *)
        cat "$work/$name.out"
        fail "$name: expected exit$wanted, found $code"
        ;;
    esac
}

# query EXPRESSION: a value of the last drill's report.
query() {
    jq -r "$1" "$folder/report.json"
}

# is EXPRESSION VALUE
is() {
    [ -d "$folder" ] || newest # the drill that was awaited has been sealed since
    found=$(query "$1")
    [ "$found" = "$2" ] || fail "$name: expected $1 to be $2, found $found"
}

# holds EXPRESSION: a condition on the report.
holds() {
    [ -d "$folder" ] || newest
    [ "$(query "$1")" = true ] || fail "$name: $1 does not hold: $(query '{measured, verdict, conclusion}')"
}

# begin NAME ARGUMENTS: a drill in the background; sets $pid. await EVENT: until its evidence has that event.
begin() {
    name=$1
    shift
    "$DRILL" "$@" --archive "$work/$name" >"$work/$name.out" 2>&1 &
    pid=$!
}
await() {
    tries=0
    while ! grep -qs "\"kind\":\"$1\"" "$work/$name"/.running/*/events.jsonl; do
        kill -0 "$pid" 2>/dev/null || fail "$name: the drill ended before '$1': $(tail -5 "$work/$name.out")"
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail "$name: no '$1' in 60 s"
        sleep 0.1 # the file is the event; there is nothing else to wait on from a shell
    done
    folder=$(find "$work/$name/.running" -mindepth 1 -maxdepth 1 -type d ! -name '*.plan')
}

# The pid namespace of the world that a drill made: every process of the topology is in it.
world_of() {
    world=$(pgrep -P "$1" drill-world | head -1)
    [ -n "$world" ] || fail "the drill has no world"
    readlink "/proc/$world/ns/pid"
}
# gone NAMESPACE: no process is left in it, at the latest after 10 s.
gone() {
    tries=0
    while find /proc -maxdepth 3 -path '*/ns/pid' -lname "$1" 2>/dev/null | grep -q .; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || fail "processes are left in $1"
        sleep 0.1
    done
}
