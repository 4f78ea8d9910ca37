#!/bin/sh
# Who is told: GitHub's summary and annotations, the webhook. Nothing of it changes the exit code, and the URL, which is a secret, is
# printed nowhere.
set -eu
drill=${DRILL:?the path of the drill binary}
make=${DRILL_BUILD:?the build folder}/tests/make_evidence
work=$(mktemp -d)
failed=$("$make" fail 40 60)
passed=$("$make" pass 40 60)
receiver=
stop() {
    [ -z "$receiver" ] || kill "$receiver" 2>/dev/null || true
    receiver=
}
trap 'stop; rm -rf "$work" "$failed" "$passed"' EXIT
unset GITHUB_STEP_SUMMARY GITHUB_ACTIONS DRILL_NOTIFY_URL CI_PROJECT_DIR

fail() {
    echo "announce.sh: $*" >&2
    cat "$work/out" "$work/err" >&2
    exit 1
}

# report EXIT FOLDER ARGUMENTS
report() {
    wanted=$1
    shift
    code=0
    "$drill" report "$@" >"$work/out" 2>"$work/err" || code=$?
    [ "$code" -eq "$wanted" ] || fail "$*: expected exit $wanted, found $code"
}

# listen STATUS…: a receiver; sets DRILL_NOTIFY_URL.
listen() {
    stop
    rm -f "$work/log" "$work/port"
    mkfifo "$work/port"
    /usr/bin/python3 tests/support/receiver.py "$work/log" "$@" >"$work/port" &
    receiver=$!
    read -r port <"$work/port"
    export DRILL_NOTIFY_URL="http://127.0.0.1:$port/hook/s3cret"
}
received() {
    [ "$(jq -s length "$work/log" 2>/dev/null || echo 0)" -eq "$1" ] || fail "expected $1 requests, found: $(cat "$work/log")"
}

# GitHub
report 1 "$failed"
if grep -q '^::' "$work/out"; then fail "annotations although GitHub Actions does not run"; fi
echo "another step's words" >"$work/summary"
GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY="$work/summary" report 1 "$failed"
[ "$(head -1 "$work/summary")" = "another step's words" ] || fail "the summary was not appended to"
grep -q '^# ✘ FAIL' "$work/summary" || fail "no report in the summary"
grep -q '^::error title=region-outage%3A lost <= 0 was missed::25' "$work/out" || fail "no annotation"
[ "$(grep -c '^::' "$work/out")" -le 10 ] || fail "more than ten annotations"
[ "$(tail -1 "$work/out")" = "exit 1: FAIL (lost)" ] || fail "the last line is not the exit code's"
GITHUB_STEP_SUMMARY=/nonexistent/summary report 1 "$failed"
grep -q 'warning: the job summary' "$work/err" || fail "no warning about the summary"

# Without a usable URL nothing begins.
report 2 "$passed" --notify always
DRILL_NOTIFY_URL=ftp://127.0.0.1/ report 2 "$passed" --notify always

# A drill that passed is no news, unless it is asked for or the one before did not pass.
listen 200
report 0 "$passed" --notify problem
received 0
report 0 "$passed" --notify always
received 1
[ "$(jq -r .body.verdict "$work/log")" = pass ] || fail "not the report's verdict"
[ "$(jq -r .path "$work/log")" = /hook/s3cret ] || fail "not the URL's path"
echo '[{"drill_id": "a", "date": "2026-01-01", "verdict": "fail", "rto_seconds": 30.5, "censored": false, "target_seconds": 20}]' \
    >"$passed/history.json"
report 0 "$passed" --notify problem
received 2

# Tried again while it may get better, three times in all.
listen 503 500 200
report 1 "$failed" --notify problem
received 3
[ ! -s "$work/err" ] || fail "a warning although it was accepted"
listen 503
report 1 "$failed" --notify problem
received 3
grep -q 'warning: nobody was notified: expected a 2xx answer, found HTTP status 503' "$work/err" || fail "no warning"

# A receiver that refuses the blocks gets the plain text; one that is not there changes nothing.
listen 400 200
report 1 "$failed" --notify problem
received 2
[ "$(jq -s -c '.[1].body | keys' "$work/log")" = '["text"]' ] || fail "not the plain message"
stop
report 1 "$failed" --notify problem
grep -q 'warning: nobody was notified' "$work/err" || fail "no warning"
if grep -q s3cret "$work/err" "$work/out"; then fail "the URL was printed"; fi
if grep -rq s3cret "$failed"; then fail "the URL was written"; fi
