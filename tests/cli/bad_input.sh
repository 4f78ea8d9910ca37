#!/bin/sh
# Bad input is refused with its position, what was expected and the nearest name; exit 2; nothing is started.
set -eu
work=$(mktemp -d /tmp/drill-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
export DRILL_STATE_DIR="$work/state"
topology=$PWD/scenarios/topologies/two-region.yaml
bad=0

# refused NAME PATTERN…: the scenario on standard input is refused, and each pattern is in what is said.
refused() {
    name=$1
    shift
    cat >"$work/$name.lua"
    check "$name" "$@" -- run "$work/$name.lua"
}
check() {
    name=$1
    shift
    code=0
    : >"$work/patterns"
    while [ "$1" != -- ]; do
        printf '%s\n' "$1" >>"$work/patterns"
        shift
    done
    shift
    (cd "$work" && "$DRILL" "$@" --archive "$work/archive") >"$work/out" 2>&1 || code=$?
    if [ $code -ne 2 ]; then
        echo "$name: expected exit 2, found $code"
        cat "$work/out"
        bad=1
    fi
    while IFS= read -r pattern; do
        grep -qF -- "$pattern" "$work/out" || {
            echo "$name: expected '$pattern' in: $(cat "$work/out")"
            bad=1
        }
    done <"$work/patterns"
    if [ -d "$work/archive" ]; then
        echo "$name: a drill's folder was made"
        bad=1
    fi
}
scenario() { # STEPS [KEYS]
    printf 'return drill {\n  title = "t",\n  topology = "%s",\n  objectives = { "rto <= 20s" },\n%s\n  run = function(d)\n    %s\n  end,\n}\n' "$topology" "${2:-}" "$1"
}
steps='d:inject(fault.blackhole { region = "us-east" })'

scenario "$steps" '  titel = "x",' | refused unknown_key 'unknown_key.lua:5:3:' "'titel'" "did you mean 'title'"
scenario "$steps" '  load = { rate = "300/s", writes = "x" },' | refused wrong_unit 'wrong_unit.lua:5:' 'writes' 'percentage'
scenario "$steps" '  load = { deadline = "5" },' | refused no_unit 'no_unit.lua:5:' 'unit'
scenario 'd:inject(fault.blackhole { region = "us-esat" })' | refused no_region 'no_region.lua:7:' 'us-esat' "did you mean 'us-east'"
scenario 'd:inject(fault.blackhol { region = "us-east" })' | refused no_fault 'no_fault.lua:7' 'blackhol' "'blackhole'"
scenario 'd:inject(fault.blackhole { regoin = "us-east" })' | refused no_target 'no_target.lua:7:'
scenario 'd:inject(fault.loss { region = "us-east", probability = "130%" })' | refused out_of_range 'out_of_range.lua:7:' '130%'
scenario 'd:inject(fault.blackhole { region = "us-east", ttl = "5" })' | refused bad_ttl 'bad_ttl.lua:7:' 'ttl' '"5s"'
scenario 'd:wait "3 parsecs"' | refused bad_duration 'bad_duration.lua:7' 'parsecs'
scenario "$steps" | sed 's/rto <= 20s/failed <= 1% during blackhol/' |
    refused objective_part "injects no 'blackhol'" "did you mean 'blackhole'"
scenario "$steps" | sed 's/rto <= 20s/moved <= 0/' | refused objective_sessions 'load = { sessions = 100 }'
scenario "$steps" '  alerts = { "dns" },' | refused no_alert "'dns' is an observer of the kind 'dns', expected one of the kind 'alert'"
scenario "$steps" '  may_fire = { "dsn" },' | refused no_alert_observer "no observer 'dsn'" "did you mean 'dns'"
scenario 'd:await_change { observer = "rol us-east-db", within = "1s" }' | refused no_observer 'no_observer.lua:7:' 'rol us-east-db' 'did you mean'
scenario 'd:fly()' | refused no_step 'no_step.lua:7' 'fly'
scenario 'error "boom"' | refused raises 'raises.lua:7: boom'
scenario 'while true do end' | refused loops 'loops.lua:7' 'endless loop'
scenario 'while true do d:wait "1s" end' | refused loops_steps 'loops_steps.lua:7' 'without end'
scenario 'd:wait "1s"' | refused no_injection 'injects no fault'
scenario 'os.execute "true"' | refused sandbox 'sandbox.lua:7' "'os'"
scenario "$steps" | sed 's/rto <= 20s/rot <= 20s/' | refused bad_metric 'rot' "did you mean 'rto'"
scenario "$steps" | sed 's/rto <= 20s/rto <= 20/' | refused objective_unit 'rto <= 20'
scenario "$steps" | sed 's/two-region/none/' | refused no_topology 'none.yaml' 'No such file'
echo 'return 7' | refused returns_number 'return drill'
echo 'x = = 1' | refused syntax 'syntax.lua:1:'
: | refused empty 'return drill'
check missing_file 'nowhere.lua' 'No such file' -- run nowhere.lua
check unknown_command "'rum'" "did you mean 'run'" -- rum
scenario "$steps" >"$work/good.lua"
check unknown_option "'arhcive'" "did you mean 'archive'" -- run good.lua --arhcive x
scenario "$steps" '  cases = { replicatoin = { wait = { "rpo <= 0s" } } },' | refused unknown_case 'unknown_case.lua:5:' "did you mean 'replication'"
scenario "$steps" '  cases = { replication = { wiat = { "rpo <= 0s" } } },' | refused impossible_case 'impossible_case.lua:5:' "did you mean 'wait'"
scenario "$steps" '  cases = { replication = { async = { "rop <= 0s" } } },' | refused case_objective "objective \"rop <= 0s\"" "did you mean 'rpo'"
scenario "$steps" '  params = { a = "1" }, cases = { a = { ["2"] = { "rop <= 0s" } } },' >"$work/case.lua"
"$DRILL" plan "$work/case.lua" >/dev/null || { echo "a case that does not hold was applied" && bad=1; }
dark='d:inject(fault.blackhole { region = "'
scenario "${dark}us-east\" }) ${dark}us-west\" })" >"$work/beyond.lua"
"$DRILL" plan "$work/beyond.lua" | grep -q "beyond the promise: 2 of 2 regions are out at once (us-east, us-west); topology 'two-region' promises to serve with 1 out" ||
    { echo "a plan beyond the promise does not say so" && bad=1; }
scenario "${dark}us-east\" }):revert() ${dark}us-west\" }) ${dark}us-west\", port = 80 })" >"$work/within.lua"
"$DRILL" plan "$work/within.lua" | grep "beyond the promise" && bad=1
scenario 'd:inject(fault.certificate { service = "nginx@us-east-gw1", with = "x.pem" })' |
    refused no_certificate 'no_certificate.lua:7:' "service 'nginx@us-east-gw1' shows no certificate" "'certificate: PATH'"
scenario 'd:inject(fault.change { control = "routing", set = "off" })' | refused no_control 'no_control.lua:7:' "there is no control 'routing'"
check unknown_set "'ratte'" "did you mean 'rate'" -- run good.lua --set ratte=3
check set_choice 'replication' 'semi' -- run good.lua --set replication=semi

cp -r scenarios "$work/own" # its templates are named from where it stands
own=$work/own/topologies/two-region.yaml
sed -i '/^traffic:/a\  headers: { Authorization: "Bearer {{env.DRILL_TEST_NOT_SET}}" }' "$own"
scenario "$steps" | sed "s,$topology,$own," | refused missing_variable "header 'Authorization'" 'DRILL_TEST_NOT_SET is not set'
scenario "$steps" '  load = { from = "5/s" },' | refused from_without_ramp 'from = 5/s' 'arrivals = "ramp"'
scenario "$steps" '  load = { arrivals = "stpe" },' | refused arrivals 'arrivals.lua:5:' "did you mean 'step'"
scenario "$steps" '  load = { http = "2" },' | refused plain_http_2 'without TLS'
exit $bad
