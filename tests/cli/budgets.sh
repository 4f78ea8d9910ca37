#!/bin/sh
# Budget and programme decide before anything is touched: what is judged, what is refused with exit 2 and where the mistake stands.
set -eu
work=$(mktemp -d /tmp/drill-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
export DRILL_STATE_DIR="$work/state"
unset CI
topology=$PWD/scenarios/topologies/two-region.yaml
bad=0
mkdir "$work/here" "$work/scenarios"
cd "$work/here"
cat >../scenarios/cut.lua <<LUA
return drill {
  title = "t", topology = "$topology", objectives = { "rto <= 20s", "failed < 30%" },
  run = function(d) d:inject(fault.blackhole { region = "us-east" }) d:await_recovery { within = "20s" } end,
}
LUA
scenario=../scenarios/cut.lua

# check CODE PATTERN… -- ARGUMENTS: each pattern is in what drill says; "!PATTERN" is not.
check() {
    wanted=$1
    shift
    : >"$work/patterns"
    while [ "$1" != -- ]; do
        printf '%s\n' "$1" >>"$work/patterns"
        shift
    done
    shift
    code=0
    "$DRILL" "$@" >"$work/out" 2>&1 || code=$?
    [ $code -eq "$wanted" ] || complain "expected exit $wanted, found $code" "$@"
    while IFS= read -r pattern; do
        case $pattern in
        !*) ! grep -qF -- "${pattern#!}" "$work/out" || complain "unexpected '${pattern#!}'" "$@" ;;
        *) grep -qF -- "$pattern" "$work/out" || complain "expected '$pattern'" "$@" ;;
        esac
    done <"$work/patterns"
    [ ! -e archive ] || complain "an archive was made" "$@"
}
complain() {
    echo "drill: $*:"
    cat "$work/out"
    bad=1
}
budget() { # OBJECTIVES [MORE]: a budget file on standard output
    printf 'scenarios:\n  cut:\n    objectives:\n%s\n%s\n' "$1" "${2:-}"
}

check 0 'objectives: rto <= 20s, failed < 30%' '!note:' -- plan $scenario
check 2 'no drill-budgets.yaml beside ../scenarios/cut.lua' -- run $scenario --require-budget
# in this folder, then beside the scenario, then as given: the nearer one counts
budget '      - rto <= 18s' >drill-budgets.yaml
check 0 'objectives: failed < 30%, rto <= 18s' -- plan $scenario
budget '      - rto <= 15s' >../scenarios/drill-budgets.yaml
check 0 'rto <= 15s' '!18s' -- plan $scenario --require-budget
budget '      - rto <= 12s
      - lost <= 0' >given.yaml
check 0 'rto <= 12s, lost <= 0' -- plan $scenario --budget given.yaml
# stricter wins, looser is left out and told, unless it is allowed
budget '      - rto <= 40s' >looser.yaml
check 0 'rto <= 20s' '"rto <= 40s" (looser.yaml:4:9) is looser' 'which stands' -- plan $scenario --budget looser.yaml
check 0 'rto <= 40s' 'replaces it, as --allow-looser says' -- plan $scenario --budget looser.yaml --allow-looser
# relative without a last PASS: not judged, and told
budget '      - rto <= last_pass * 1.25' '    warn: [rto <= 10s]' >relative.yaml
check 0 'objectives: rto <= 20s' "is not judged: no drill of this scenario has passed in 'archive'" -- plan $scenario --budget relative.yaml
# mistakes: exit 2, with their place and the nearest name
budget '      - rot <= 15s' >wrong.yaml
check 2 'wrong.yaml:4:9: ' "did you mean 'rto'" 'exit 2: ' -- run $scenario --budget wrong.yaml
budget '      - rto <= 15' >wrong.yaml
check 2 'wrong.yaml:4:9: ' 'with its unit' -- run $scenario --budget wrong.yaml
budget '      - rto <= 15s' '    deu: 30d' >wrong.yaml
check 2 'wrong.yaml:5:5: ' "did you mean 'due'" -- run $scenario --budget wrong.yaml
check 2 'nowhere.yaml' 'No such file' -- run $scenario --budget nowhere.yaml
# no budget for the scenario: refused where one is wanted
sed 's/cut/cat/' drill-budgets.yaml >../scenarios/drill-budgets.yaml
check 0 'objectives: rto <= 20s' -- plan $scenario
check 2 "not for the scenario 'cut', did you mean 'cat'" -- run $scenario --require-budget
check 2 "not for the scenario 'cut'" -- run $scenario --budget ../scenarios/drill-budgets.yaml
CI=true
export CI
check 2 "not for the scenario 'cut'" -- run $scenario
unset CI
rm ../scenarios/drill-budgets.yaml

# what frameworks find missing; it never says more than that
check 0 'HIPAA 0/6: missing exercise_type' -- plan $scenario --evidence hipaa
printf 'exercise_type: functional\nplan_ref: DR-7\n' >programme.yaml
check 0 'HIPAA 2/6: missing participants' 'SOC 2 ' '!omplian' -- plan $scenario --evidence hipaa,soc2
check 2 "unknown framework 'hippa', did you mean 'hipaa'" -- run $scenario --evidence hippa
printf 'exercise_typ: functional\n' >programme.yaml
check 2 'programme.yaml:1:1: ' "did you mean 'exercise_type'" -- run $scenario
# production needs permission, before any fault
cat >programme.yaml <<YAML
environment: production
operator: alice
approvals: [{ name: alice, time: 2026-01-01 }]
not_after: 2026-01-02
freeze: [{ from: 2020-01-01, to: 2099-12-31, reason: always }]
YAML
check 2 'programme.yaml:3:1: ' "'alice' approves and operates" "'change_ticket' is missing" 'programme.yaml:4:1: the window closed' \
    'programme.yaml:5:1: change freeze' 'nothing was injected' -- run $scenario
check 2 "'alice' approves and operates" -- plan $scenario
cat >programme.yaml <<YAML
environment: production
operator: alice
approvals: [{ name: carol, time: 2026-01-01, ticket: CHG-1 }]
change_ticket: CHG-1
YAML
check 0 'nothing was touched' -- plan $scenario

# the programme over nothing
check 0 'last run never; last pass never; OVERDUE: never passed' -- history
check 7 'cut' 'OVERDUE: never passed' 'exit 7: OVERDUE (cut)' -- due
rm drill-budgets.yaml
check 0 'no drill yet' -- history
check 2 'nothing can be due' -- due
check 2 'there is no drill in' -- index
check 2 'is over' -- due --at 2020-01-01
check 2 'expected a day' -- due --at tomorrow
check 2 -- compare 1 2
check 2 -- retest 1
check 2 -- review 1
exit $bad
