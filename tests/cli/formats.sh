#!/bin/sh
# What other programs make of the formats: schemas, reference parsers, well-formedness, sizes, TAP.
set -eu
drill=${DRILL:?the path of the drill binary}
make=${DRILL_BUILD:?the build folder}/tests/make_evidence
folder=
work=$(mktemp -d)
trap 'rm -rf "$work" ${folder:+"$folder"}' EXIT

fail() {
    echo "formats.sh: $kind: $*" >&2
    exit 1
}
python=/usr/bin/python3 # Debian's: it has Debian's packages
$python -c 'import jsonschema, prometheus_client' 2>/dev/null || {
    echo "SKIPPED: python3-jsonschema or python3-prometheus-client is not installed (ci/setup test)"
    exit 77
}

# render EXIT ARGUMENTS: the made-up drill again.
render() {
    wanted=$1
    shift
    code=0
    "$drill" report "$folder" "$@" >"$work/out" 2>"$work/err" || code=$?
    [ "$code" -eq "$wanted" ] || fail "expected exit $wanted, found $code: $(cat "$work/out" "$work/err")"
}

accepts() { # SCHEMA FILE
    xmllint --noout --nonet --schema "tests/support/$1" "$2" 2>"$work/xsd" || fail "$(cat "$work/xsd")"
}

for expected in "pass 0" "fail 1" "inconclusive 3" "aborted 4"; do
    kind=${expected% *} exit=${expected#* }
    folder=$("$make" "$kind" 40 60)
    render "$exit" --tap
    [ "$(head -1 "$work/out")" = "TAP version 14" ] || fail "no TAP: $(head -1 "$work/out")"
    points=$(grep -cE '^(not )?ok [0-9]+ - ' "$work/out")
    grep -qx "1..$points" "$work/out" || fail "TAP's plan is not its $points points"
    if grep -q '^not ok' "$work/out"; then bad=1; else bad=0; fi
    [ "$bad" -eq "$((exit != 0))" ] || fail "TAP does not agree with exit $exit: $(cat "$work/out")"
    $python tests/support/formats.py "$folder" reports/report.schema.json || fail "see above"
    xmllint --noout --nonet "$folder/report.html" "$folder"/charts/*.svg
    [ "$(wc -c <"$folder/report.html")" -lt 500000 ] || fail "report.html is too large"
    [ "$(wc -c <"$folder/report.md")" -lt 61440 ] || fail "report.md is too large"
    accepts junit-jenkins.xsd "$folder/junit.xml"
    render "$exit" --junit "ant:$work/ant.xml"
    accepts junit-jenkins.xsd "$work/ant.xml"
    accepts junit-ant.xsd "$work/ant.xml"
    CI_PROJECT_DIR=${folder%/*} render "$exit" --junit "gitlab:$work/junit.xml"
    grep -q ' file="scenario.lua"' "$work/junit.xml" || fail "GitLab is not told the file"
    if [ "$kind" = fail ]; then
        grep -qF "[[ATTACHMENT|${folder##*/}/charts/timeline.svg]]" "$work/junit.xml" || fail "no attachment: $(cat "$work/junit.xml")"
    fi
    rm -rf "$folder"
done
