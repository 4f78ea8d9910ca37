#!/bin/sh
# The launcher: builds when something is newer, not otherwise; two at once build once; failures are shown completely; any folder, any
# symbolic link. In a tree of its own with a stand-in for cmake, which notes that it ran.
set -eu
home=$(readlink -f "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

tree=$work/tree
mkdir -p "$tree/ci" "$tree/harness/base" "$tree/faults" "$tree/reports" "$tree/scenarios/reference" "$work/bin" "$work/elsewhere"
cp "$home/drill" "$tree/drill"
touch "$tree/CMakeLists.txt" "$tree/harness/base/a.c"
# shellcheck disable=SC2016 # for the stand-in to expand
printf '#!/bin/sh\necho "setup $*" >>"$WORK/calls"\n[ ! -e "$WORK/no-root" ] || { echo "Please run: sudo ci/setup run" >&2; exit 1; }\n' >"$tree/ci/setup"
cat >"$work/bin/cmake" <<'END'
#!/bin/sh
case $1 in
-S) echo "configure $*" >>"$WORK/calls" ;;
--build)
    echo "build" >>"$WORK/calls"
    if [ -e "$WORK/broken" ]; then
        echo "a.c:1: error: something is missing"
        exit 2
    fi
    printf '#!/bin/sh\necho "home=$DRILL_HOME folder=$PWD arguments=$*"\nexit 3\n' >"$2/drill"
    chmod +x "$2/drill"
    ;;
esac
END
chmod +x "$tree/ci/setup" "$work/bin/cmake"
export WORK="$work"
PATH=$work/bin:$PATH

builds() {
    grep -c '^build$' "$work/calls" 2>/dev/null || true
}

run() { # STATUS ARGUMENTS…: exit status as expected, output in $work/out
    expected=$1
    shift
    status=0
    "$@" >"$work/out" 2>"$work/err" || status=$?
    [ $status -eq "$expected" ] || fail "'$*' ended with $status, expected $expected: $(cat "$work/out" "$work/err")"
}

: >"$work/calls"
cd "$work/elsewhere"
run 3 "$tree/drill" run my.lua
grep -qx "home=$tree folder=$work/elsewhere arguments=run my.lua" "$work/out" || fail "folder, home or arguments: $(cat "$work/out")"
[ "$(builds)" = 1 ] || fail "the first start must build"
grep -q "^setup run" "$work/calls" || fail "the first start must run ci/setup"
grep -q "RelWithDebInfo.*BUILD_TESTING=OFF" "$work/calls" || fail "configured otherwise: $(cat "$work/calls")"

run 3 "$tree/drill"
[ "$(builds)" = 1 ] || fail "builds although nothing changed"
[ ! -s "$work/err" ] || fail "says something although nothing changed: $(cat "$work/err")"

ln -s "$tree/drill" "$work/elsewhere/link"
run 3 ./link
grep -q "home=$tree " "$work/out" || fail "through a symbolic link: $(cat "$work/out")"

touch -d '+1 second' "$tree/harness/base/a.c" # newer whatever the file system's resolution
run 3 "$tree/drill"
[ "$(builds)" = 2 ] || fail "does not build when a source is newer"
touch "$tree/harness/base/a.c"
touch "$tree/build/.built"
touch "$tree/scenarios/other.lua"
run 3 "$tree/drill"
[ "$(builds)" = 2 ] || fail "builds for a file that is no source"

touch -d '+2 seconds' "$tree/CMakeLists.txt"
: >"$work/broken"
run 2 "$tree/drill"
grep -q "a.c:1: error" "$work/err" || fail "a failed build must show its output: $(cat "$work/err")"
[ ! -s "$work/out" ] || fail "runs an old binary after a failed build"
rm "$work/broken"
touch "$tree/CMakeLists.txt" "$tree/harness/base/b.c"

before=$(builds)
for i in 1 2 3; do
    "$tree/drill" >"$work/out.$i" 2>&1 &
    eval "pid$i=$!"
done
for i in 1 2 3; do
    eval "wait \$pid$i" || [ $? -eq 3 ] || fail "one of three at once: $(cat "$work/out.$i")"
done
[ "$(($(builds) - before))" = 1 ] || fail "three at once built $(($(builds) - before)) times"

: >"$work/no-root"
rm "$tree/build/drill"
run 2 "$tree/drill"
grep -q "sudo ci/setup run" "$work/err" || fail "the way out is not shown: $(cat "$work/err")"
rm "$work/no-root"
run 3 "$tree/drill"

# For information: what an up-to-date launcher costs on the real tree's size.
cp -r "$home/harness" "$home/faults" "$tree/" 2>/dev/null || true
run 3 "$tree/drill"
begin=$(date +%s%N)
run 3 "$tree/drill"
echo "an up-to-date launcher costs $((($(date +%s%N) - begin) / 1000000)) ms"
