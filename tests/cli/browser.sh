#!/bin/sh
# A browser's view of report.html, for a drill of each kind.
set -eu
drill=${DRILL:?the path of the drill binary}
make=${DRILL_BUILD:?the build folder}/tests/make_evidence
chromium=$(command -v chromium || command -v chromium-browser) || {
    echo "SKIPPED: chromium is not installed (ci/setup browser)"
    exit 77
}
folders=
trap 'rm -rf $folders' EXIT
for kind in pass fail inconclusive aborted; do
    folder=$("$make" $kind 40 60)
    folders="$folders $folder"
    "$drill" report "$folder" >/dev/null || [ $kind != pass ]
done
# shellcheck disable=SC2086 # a list of words
/usr/bin/python3 tests/support/browser.py "$chromium" $folders
