# shellcheck shell=bash
# Progress for people: one line and its time for each step. Not a logger: what a step's command prints goes to the file
# STEP_LOG, and its end is shown when the step fails. To be sourced by a script that runs under `set -euo pipefail`;
# steps run in the caller's shell, so they may set its variables.

[[ -n ${STEPS_SOURCED:-} ]] && return
STEPS_SOURCED=1

: "${STEP_LOG:=/dev/null}"
STEP_CURRENT=
STEP_STARTED=0
exec {STEP_OUT}>&1 {STEP_ERR}>&2

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
        STEP_TTY=1
        STEP_BOLD=$'\e[1m' STEP_GREEN=$'\e[32m' STEP_RED=$'\e[31m' STEP_DIM=$'\e[2m' STEP_PLAIN=$'\e[0m'
else
        STEP_TTY=
        STEP_BOLD='' STEP_GREEN='' STEP_RED='' STEP_DIM='' STEP_PLAIN=''
fi

die() {
        printf '%s%s: %s%s\n' "$STEP_RED" "${0##*/}" "$*" "$STEP_PLAIN" >&"$STEP_ERR"
        exit 1
}

say() {
        printf '%s\n' "$*" >&"$STEP_OUT"
}

# Milliseconds since some fixed point.
now_ms() {
        local now=$EPOCHREALTIME
        now=${now/[.,]/}
        REPLY=$((now / 1000))
}

seconds_since() {
        local started=$1
        now_ms
        printf -v REPLY '%d.%d' $(((REPLY - started) / 1000)) $(((REPLY - started) % 1000 / 100))
}

step_begins() {
        STEP_CURRENT=$1
        now_ms
        STEP_STARTED=$REPLY
        [[ -z $STEP_TTY ]] || printf '%s         %s …%s' "$STEP_DIM" "$1" "$STEP_PLAIN" >&"$STEP_OUT"
        printf '== %s\n' "$1" >>"$STEP_LOG"
}

step_ends() {
        seconds_since "$STEP_STARTED"
        [[ -z $STEP_TTY ]] || printf '\r\e[K' >&"$STEP_OUT"
        printf '%s%6s s%s %s\n' "$STEP_GREEN" "$REPLY" "$STEP_PLAIN" "$STEP_CURRENT" >&"$STEP_OUT"
        STEP_CURRENT=
}

# step SENTENCE COMMAND…  Runs the command; a failure ends the script (set -e), and step_failed says what failed.
step() {
        step_begins "$1"
        shift
        "$@" >>"$STEP_LOG" 2>&1
        step_ends
}

# attempt SENTENCE COMMAND…  The same for a script that goes on after a failure: says it, and returns false. Not for
# functions that count on set -e.
attempt() {
        step_begins "$1"
        shift
        if "$@" >>"$STEP_LOG" 2>&1; then
                step_ends
        else
                step_failed
                return 1
        fi
}

# To be called from the script's EXIT trap: says which step failed, and the end of what it printed.
step_failed() {
        [[ -n $STEP_CURRENT ]] || return 0
        seconds_since "$STEP_STARTED"
        [[ -n $STEP_TTY ]] && printf '\r\e[K' >&"$STEP_OUT"
        printf '%s%6s s %s: failed%s\n' "$STEP_RED" "$REPLY" "$STEP_CURRENT" "$STEP_PLAIN" >&"$STEP_ERR"
        if [[ -f $STEP_LOG ]]; then
                tail -n "${STEP_TAIL:-30}" "$STEP_LOG" | sed 's/^/         /' >&"$STEP_ERR"
                printf '         (all of it: %s)\n' "$STEP_LOG" >&"$STEP_ERR"
        fi
        STEP_CURRENT=
}

# wait_until SECONDS COMMAND…  Asks until the command succeeds; false when the deadline passes first.
wait_until() {
        local deadline
        now_ms
        deadline=$((REPLY + $1 * 1000))
        shift
        until "$@"; do
                now_ms
                ((REPLY < deadline)) || return 1
                read -rt 0.03 -u "$WAIT_PIPE" || :
        done
}

# A pipe nobody writes to: reading it with a time limit is a pause that needs no process.
wait_pipe_make() {
        local fifo
        fifo=$(mktemp -u)
        mkfifo -m 600 "$fifo"
        exec {WAIT_PIPE}<>"$fifo"
        rm -f "$fifo"
}
wait_pipe_make
