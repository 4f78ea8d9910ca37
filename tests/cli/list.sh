#!/bin/sh
# `drill list` names every scenario with what it needs; one that cannot be read is named with the reason.
set -eu
work=$(mktemp -d /tmp/drill-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
export DRILL_STATE_DIR="$work/state"
fail() {
    echo "FAILED: $*"
    exit 1
}

"$DRILL" list >"$work/out" || fail "drill list: $(cat "$work/out")"
for file in scenarios/*.lua; do
    grep -qxF "$file" "$work/out" || fail "$file is not listed"
    grep -q '^  usual *= "' "$file" || fail "$file does not say how long it usually takes"
done
[ "$(grep -c '^    needs ' "$work/out")" -eq "$(grep -c '\.lua$' "$work/out")" ] || fail "needs are missing: $(cat "$work/out")"

printf 'return drill { title = "t", usual = "5", topology = "x.yaml", objectives = { "rto <= 20s" }, run = function(d) end }\n' >"$work/b.lua"
printf 'return 1\n' >"$work/a.lua"
code=0
"$DRILL" list "$work" >"$work/out" || code=$?
[ $code -eq 2 ] || fail "expected exit 2, found $code"
grep -q 'b.lua:1:.*usual: .*unit' "$work/out" || fail "a wrong duration is not named: $(cat "$work/out")"
grep -q 'cannot be read: .*a.lua: expected the file to end in' "$work/out" || fail "no reason: $(cat "$work/out")"

sed -i 's/"5", topology = "x.yaml"/"5s", topology = "one.yaml"/' "$work/b.lua"
cat >"$work/one.yaml" <<'Y'
name: one
setup: extra
regions: { a: { id: aa } }
region_hosts: { gw: 11 }
hosts: { client: 10.9.0.100 }
services:
  web: { role: gateway, on: gw, port: 80, command: surely-not-installed --fast, ready: { http: / } }
  script: { role: monitor, on: client, command: "sh {{dir}}/x.sh", needs: [cat, not-installed-either], ready: { file: /x } }
entrypoint: { url: "http://10.1.0.11" }
traffic: { read: { url: / } }
Y
rm "$work/a.lua"
"$DRILL" list "$work" >"$work/out" || fail "$(cat "$work/out")"
grep -q 'surely-not-installed (MISSING)' "$work/out" || fail "a missing program is not named: $(cat "$work/out")"
grep -q ' cat, not-installed-either (MISSING)' "$work/out" || fail "what a script needs is not named: $(cat "$work/out")"
grep -q "; 'ci/setup extra' installs what is missing" "$work/out" || fail "the step of ci/setup is not named: $(cat "$work/out")"
sed 's/function(d)/& d:steady "1s" d:inject(fault.kill { service = "web" })/' "$work/b.lua" >"$work/c.lua"
"$DRILL" plan "$work/c.lua" --set writes=0% >"$work/plan" || fail "drill plan: $(cat "$work/plan")"
grep -q "^not on this machine: surely-not-installed, not-installed-either; 'ci/setup extra' installs" "$work/plan" || fail "$(cat "$work/plan")"
grep -q 'about 5s' "$work/out" || fail "$(cat "$work/out")"
