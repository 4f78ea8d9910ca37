# shellcheck shell=sh
# What ci/kill-everywhere and ci/failing-calls share: a proof goes fault by fault, keeps a row for each in a folder, so that it can be stopped
# and goes on at the next call, and makes a page of the rows. Sourced; before proof_names the caller sets `test` (the program),
# `state` (the folder) and `fault` ("" is all).

# Sets each of the flags that is given to "yes" and each of the others to the value after it; else shows the head of the script.
proof_options() { # FLAGS, OTHERS, ARGUMENT…
    flags=" $1 " others=" $2 "
    shift 2
    while [ $# -gt 0 ]; do
        name=${1#--}
        case "$1$flags$others" in
        --*" $name "*) ;;
        *) sed -n '2,/^[^#]/s/^# //p' "$0" && exit 2 ;;
        esac
        case "$flags" in
        *" $name "*) eval "$name=yes" ;;
        *)
            [ $# -ge 2 ] || { echo "$1 wants a value" >&2 && exit 2; }
            eval "$name=\$2"
            shift
            ;;
        esac
        shift
    done
}

# Sets $names: the faults and variants to go over. With "yes" what is known of them is forgotten.
proof_names() { # AGAIN
    mkdir -p "$state"
    names=$("$test" list ${fault:+"$fault"}) || { echo "$names" >&2 && exit 2; }
    [ -z "$1" ] || for name in $names; do rm -f "$state/$name.row"; done
}

# Runs the program for each that has no row yet, told by DRILL_PROOF_FAULT which, and by DRILL_PROOF_TABLE where its row goes. Sets $failed.
proof_run() {
    failed=0
    for name in $names; do
        [ ! -s "$state/$name.row" ] || continue
        began=$(date +%s) status=0
        rm -f "$state/$name.wrong" "$state/$name.new"
        DRILL_PROOF_FAULT=$name DRILL_PROOF_TABLE="$state/$name.new" "$test" >"$state/$name.log" 2>&1 || status=$?
        if [ "$status" != 0 ]; then
            grep -v '^|' "$state/$name.log" || echo "$name: ended with $status before it had a result"
            [ ! -s "$state/$name.new" ] || mv "$state/$name.new" "$state/$name.wrong"
            failed=$((failed + 1))
        else
            sed "s/\$/ $(date -u +%F) |/" "$state/$name.new" >"$state/$name.row"
            printf '%s: %s (%d s)\n' "$name" "$(tail -n 1 "$state/$name.log")" $(($(date +%s) - began))
        fi
        rm -f "$state/$name.new"
    done
}

# Of $names alone: rows of faults that have been taken out since do not count.
proof_rows() {
    for name in $names; do
        cat "$state/$name.row" "$state/$name.wrong" 2>/dev/null || :
    done
}

# Says the totals, and ends here when something is wrong or not all faults were asked for.
proof_end() { # TOTALS, WHETHER IT IS ALL ("" is not)
    if [ "$failed" != 0 ]; then
        echo "$1; of $failed faults something is wrong"
        exit 1
    fi
    echo "$1"
    [ -n "$2" ] || exit 0
}
