# RTO, lost writes and RPO of a drill from its evidence, by the definitions in docs/measurement.md and the columns in docs/ledger.md:
#     drill ledger FOLDER --csv > ledger.csv
#     awk -f rto_rpo.awk -v folder=FOLDER FOLDER/plan.json FOLDER/events.jsonl ledger.csv
# Prints the worst recovery time in seconds, the number of lost writes and the recovery point in seconds. It knows drills that were
# recovered from and whose read-backs are complete; anything else it says and exits 1.
function number(line, key,    at) { # a member of a JSON line
    at = match(line, "\"" key "\": *-?[0-9.]+")
    if (!at) return ""
    line = substr(line, RSTART, RLENGTH); sub(/.*: */, "", line)
    return line + 0
}
function text(line, key) {
    if (!match(line, "\"" key "\": *\"[^\"]*\"")) return ""
    line = substr(line, RSTART, RLENGTH); sub(/^"[^"]*": *"/, "", line); sub(/"$/, "", line)
    return line
}
function good(i) { return outcome[i] == "ok" && took[i] <= latency }
# The outage of one series [1, n] from `from`, seen until `until`: sets state, first and recovery.
function find(n, from, until,    i, j, k, total, fine, last, whole, few) {
    state = "unknown"; first = recovery = last = whole = few = 0; j = 1
    for (i = 1; i <= n && due[i] + window <= until; i++) {
        if (due[i] < from) { j = i + 1; continue }
        if (j <= i) { j = i; total = fine = 0 }
        for (; j <= n && due[j] < due[i] + window; j++) { total++; fine += good(j) }
        whole++; few += total < least
        if (total < least || fine < share * total - 1e-9) {
            last = i
            for (k = i; k < j && !first; k++) if (!good(k)) first = due[k]
        }
        total--; fine -= good(i)
    }
    if (!first) { if (whole && !few) state = "none"; return }
    state = "open"
    for (i = last + 1; i <= n && due[i] < until; i++) if (good(i)) {
        recovery = due[i]
        if (until - recovery >= (hold > window ? hold : window)) state = "recovered"
        return
    }
}
FILENAME ~ /plan\.json$/ { plan = plan $0; next }
FILENAME ~ /events\.jsonl$/ {
    kind = text($0, "kind")
    if (kind == "fault.requested" || kind == "fault.reverting") { disruption[++disruptions] = number($0, "t"); what[disruptions] = kind text($0, "fault_id") }
    if (kind == "await.begin") awaited[disruptions] = 1
    if (kind == "readback") {
        readbacks++; begun[readbacks] = number($0, "begun_ns"); file[readbacks] = text($0, "file")
        after[readbacks] = (text($0, "cause") == "failback" ? "fault.reverting" : "fault.requested") text($0, "after_fault_id")
        if ($0 !~ /"complete": *true/) { print "read-back " readbacks " is not complete"; exit bad = 1 }
    }
    next
}
FNR == 1 { FS = ","; $0 = $0; for (i = 1; i <= NF; i++) column[$i] = i; next }
$column["outcome"] != "not-sent" {
    key = $column["vantage"] "," $column["class"]
    if (!(key in size)) series[++count] = key
    n = ++size[key]; offset = $column["clock_offset_ns"]
    all_due[key, n] = $column["due_ns"] + offset
    all_took[key, n] = $column["done_ns"] ? $column["done_ns"] - $column["due_ns"] : 1e18
    all_outcome[key, n] = $column["outcome"]
    if ($column["class"] == "write" && $column["outcome"] == "ok") { writes++; id[writes] = $column["write_id"]; acked[writes] = $column["done_ns"] + offset }
}
END {
    if (bad) exit 1
    window = number(plan, "window_ns"); least = number(plan, "minimum_count"); share = number(plan, "good_share")
    latency = number(plan, "latency_ns"); hold = number(plan, "hold_ns"); worst = 0
    for (s = 1; s <= count; s++) {
        n = size[series[s]]
        for (i = 1; i <= n; i++) { due[i] = all_due[series[s], i]; took[i] = all_took[series[s], i]; outcome[i] = all_outcome[series[s], i] }
        for (d = 1; d <= disruptions; d++) {
            for (next_one = d + 1; ; next_one++) { # the clock does not stop at the next disruption when it is not over by then
                until = next_one <= disruptions && disruption[next_one] < due[n] + 1 ? disruption[next_one] : due[n] + 1
                find(n, disruption[d], until)
                if (state == "recovered" || state == "none" || (state == "unknown" && until - disruption[d] >= window) || next_one > disruptions) break
            }
            if (first && (!start[what[d]] || first < start[what[d]])) start[what[d]] = first
            if (state == "recovered" && recovery - disruption[d] > worst) worst = recovery - disruption[d]
            if (state == "open" && (awaited[d] || what[d] !~ /reverting/)) { print "not recovered"; exit 1 }
        }
    }
    for (d = 1; d <= disruptions; d++) if (!start[what[d]]) start[what[d]] = disruption[d]
    for (r = 1; r <= readbacks; r++) {
        split("", listed)
        while ((getline line < (folder "/" file[r])) > 0) listed[line] = 1
        for (w = 1; w <= writes; w++) if (acked[w] <= begun[r] && !(id[w] in listed) && !(w in lost)) {
            lost[w] = 1; missing++
            if (start[after[r]] - acked[w] > age) age = start[after[r]] - acked[w]
        }
    }
    printf "%.9f %d %.9f\n", worst / 1e9, missing, age / 1e9
}
