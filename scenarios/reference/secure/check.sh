#!/bin/sh
# Asks one thing of the API from outside, where DNS sends users just now: check.sh tls | authentication | rate-limit | backend-port |
# audit-log | certificate. Says "holds in REGION", "gap in REGION: what was found", or "unanswered: why" when there was nobody to ask.
# Beside it lie ca.pem and `regions`: a line for each with its index, name, backends and audit logs. check.sh WHAT DNS-SERVER
set -u
dir=${0%/*}
api=api.example.com
caller="X-Caller: checks-0815"
address=$(dig +short +tries=1 +time=1 @"$2" $api A 2>/dev/null | head -n 1)
index=$(echo "$address" | sed -n 's/^10\.\([0-9]*\)\..*/\1/p')
line=$(grep "^${index:-none} " "$dir/regions") || { echo "unanswered: no address" && exit; }
region=$(echo "$line" | cut -d ' ' -f 2)

ask() { # OPTIONS… URL: the status, 000 without an answer
    curl --silent --max-time 1 --output /dev/null --write-out '%{http_code}' --cacert "$dir/ca.pem" \
        --resolve $api:8443:"$address" --resolve $api:8080:"$address" "$@"
}

say() { # STATUS WANTED WHAT: one of the wanted ones holds, another answer is a gap
    case " $2 " in
    *" $1 "*) echo "holds in $region" ;;
    *) case $1 in
        000 | 5??) echo "unanswered: $1" ;;
        *) echo "gap in $region: $3 was answered $1" ;;
        esac ;;
    esac
}

case $1 in
certificate)
    why=$(ask --write-out '%{errormsg}' https://$api:8443/healthz)
    echo "$([ -z "$why" ] && echo trusted || echo refused) in $region${why:+: $why}"
    ;;
tls) say "$(ask -H "$caller" http://$api:8080/orders?limit=1)" "301 308 403" "a request in clear" ;;
authentication) say "$(ask https://$api:8443/orders?limit=1)" "401 403" "a request without a key" ;;
rate-limit) # more than the key may, over one connection: it is the last one that must be refused
    statuses=$(ask -H "$caller" "https://$api:8443/orders?limit=1&n=[1-30]")
    last=$(printf %s "$statuses" | tail -c 3)
    say "${last:-000}" "429" "the last of 30 requests at once"
    ;;
backend-port) # in vain when nothing of the region can be reached anyway
    [ "$(ask http://$api:8080/healthz)" != 000 ] || { echo "unanswered: 000" && exit; }
    for backend in $(echo "$line" | cut -d ' ' -f 3 | tr ',' ' '); do
        status=$(ask --connect-timeout 0.5 "http://$backend/orders?limit=1")
        [ "$status" = 000 ] || { echo "gap in $region: $backend itself answered $status" && exit; }
    done
    echo "holds in $region"
    ;;
audit-log) # a word that no other request has must be found there
    word=check-$$-$(date +%s%N)
    status=$(ask -H "$caller" "https://$api:8443/audit/$word")
    case $status in 000 | 5??) echo "unanswered: $status" && exit ;; esac
    logs=$(echo "$line" | cut -d ' ' -f 4 | tr ',' ' ')
    for try in 1 2 3 4 5; do # it is written after the answer
        for log in $logs; do
            if tail -c 100000 "$log" 2>/dev/null | grep -q "$word"; then
                echo "holds in $region" && exit
            fi
        done
        sleep 0.$try
    done
    echo "gap in $region: a request that was answered $status is in no audit log"
    ;;
esac
