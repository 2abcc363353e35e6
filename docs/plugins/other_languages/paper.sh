#!/bin/bash
# A virtualisation driver in Bash: a guest is a file in its host's folder.
set -o pipefail
export LC_ALL=C
folder=${PAPER:-/tmp/paper}

if [ "$1" = --describe ]; then
    echo '{"actions": ["DEPLOY", "POLL", "CANCEL", "CLEANUP", "SHUTDOWN"]}'
    exit
fi

# element NAME: prints what is in the first element of that name, and fails when there is none
element() {
    [[ $document =~ "<$1>"([^<]*)"</$1>" ]] && printf %s "${BASH_REMATCH[1]}"
}

# Carries out $action for $id, prints the answer's text, and fails when the action has failed.
act() {
    document=$(base64 -d <<<"$payload" | tr -d '\0') || return 1
    host=$(element HOST)
    if [[ $document != *"</VM>"* || ! $host =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]]; then
        echo "the request has no VM, or names no host"
        return 1
    fi
    guest=$folder/$host/one-$id
    case $action in
        DEPLOY)
            mkdir -p "$folder/$host" &&
                cp "$(element LOCAL_DEPLOYMENT_FILE)" "$guest.part" && # whole, or not there
                mv "$guest.part" "$guest" && echo "one-$id" ;;
        POLL) if [ -e "$guest" ]; then echo "STATE=a"; else echo "STATE=d"; fi ;;
        CANCEL | CLEANUP | SHUTDOWN) rm -f "$guest" ;; # what is gone is gone: a success
        *)
            echo "$action is not known"
            return 1 ;;
    esac
}

while read -r action id payload; do
    case $action in
        INIT) echo "INIT SUCCESS - -" ;;
        FINALIZE) exit 0 ;;
        DRIVER_CANCEL) ;; # there is never anything under way
        *)
            [[ $id =~ ^[0-9]+$ ]] || continue # nobody could be answered
            if text=$(act 2>&1 </dev/null); then result=SUCCESS; else result=FAILURE; fi
            text=${text//$'\n'/ } # an answer is one line
            echo "$action $result $id ${text:--}" ;;
    esac
done
