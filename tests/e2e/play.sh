# shellcheck shell=bash
# A lab whose server is a scripted one, for tests of faults: `play_up [LAB OPTION …]` starts both, with the public agent
# echo@agents.localhost; `say LINE` tells the scripted server something and sets REPLY to its answer; `figure NAME`
# prints one of the load's figures. To be sourced after tap.sh; needs XMPP_PLAY and AIOX_BUILD.

repository=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." && pwd)
lab=$repository/tests/lab/lab

play_up() {
        LAB=$(mktemp -d "${TMPDIR:-/tmp}/aiox-lab.XXXXXX")
        # Our server comes first, so that it has its port before the hub knocks; so the secret is ours too.
        (umask 077 && mkdir "$LAB/secrets" && od -An -N16 -tx1 /dev/urandom | tr -d ' ' >"$LAB/secrets/component")
        coproc PLAY { exec "$XMPP_PLAY" 127.0.0.1:0 "$LAB/secrets/component"; }
        # shellcheck disable=SC2153 # coproc sets it
        play_pid=$PLAY_PID
        read -r -u "${PLAY[0]}" REPLY
        INITDB_OPTIONS=--no-sync "$lab" up "$LAB" --link "$(jq -r .endpoint <<<"$REPLY")" "$@" >&2
        eval "$("$lab" env "$LAB")"
        aiox member add "$ACCOUNT_JID" --role owner >/dev/null
        aiox agent create echo --owner "$ACCOUNT_JID" --visibility public --model builtin/echo --memory none >/dev/null
        said "up 30"
}

play_down() {
        local status=$?
        [[ -z ${play_pid:-} ]] || kill "$play_pid" 2>/dev/null || true
        if [[ -n ${LAB:-} ]]; then
                ((status == 0)) || tail -n 30 "$LAB"/log/*.log
                "$lab" down "$LAB" >/dev/null 2>&1 || true
                rm -rf "$LAB"
        fi
        return "$status"
}

say() {
        printf '%s\n' "$1" >&"${PLAY[1]}"
        read -r -t "${2:-150}" -u "${PLAY[0]}" REPLY || {
                printf 'no answer to: %s\n' "$1"
                return 1
        }
}

# Succeeds when what was said could be done in time.
said() {
        say "$@"
        [[ $REPLY == *'"done":true'* ]] || {
                printf '%s: %s\n' "$1" "$REPLY"
                return 1
        }
}

figure() {
        say figures
        jq -e ".load.$1" <<<"$REPLY"
}

# What must hold of every load, whatever broke: a receipt is followed by one answer. PATIENCE is how many seconds that
# may take (120).
nothing_was_lost() {
        said "even ${PATIENCE:-120}"
        say figures
        printf 'figures: %s\n' "$REPLY"
        # Who is killed at each of its attempts gives up, and says so.
        (($(jq '.load.unanswered - .load.failed' <<<"$REPLY") <= 0))
        (($(jq .load.failed <<<"$REPLY") <= ${FAILED:-5}))
        expect_equal "$(jq .load.under_two_ids <<<"$REPLY")" 0
        (($(jq .load.answered <<<"$REPLY") > ${1:-100}))
}
