# shellcheck shell=bash
# Starting, watching, breaking and stopping a stack's processes by name. A process is signalled
# only if its pid *and* start time are those that were recorded when we started it. To be sourced by servers.sh.

# The time a process started, in ticks since boot; with its pid, its identity. Empty when there is none, or only its
# unreaped remains.
process_identity() {
        local stat
        REPLY=
        { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
        # The name in parentheses may contain anything.
        stat=${stat##*) }
        local fields
        read -ra fields <<<"$stat"
        [[ ${fields[0]} == Z || ${fields[0]} == X ]] || REPLY=${fields[19]}
}

# The pid of the server NAME in REPLY; false when it does not run.
process_pid() {
        local pid='' started='' written
        [[ -f $STACK/pid/$1 ]] || return 1
        read -r pid started written <"$STACK/pid/$1" || return 1
        process_identity "$pid"
        [[ -n $REPLY && $REPLY == "$started" ]] || return 1
        REPLY=$pid
}

# process_has_said NAME TEXT  In its log, since it was started.
process_has_said() {
        local pid started written
        read -r pid started written <"$STACK/pid/$1" || return 1
        tail -c "+$((written + 1))" "$STACK/log/$1.log" | grep -qF -- "$2"
}

process_is_gone() {
        ! process_pid "$1"
}

# process_start NAME COMMAND…  In a session of its own, without our descriptors, its output in log/NAME.log.
process_start() {
        local name=$1 pid written=0
        shift
        [[ ! -f $STACK/log/$name.log ]] || written=$(stat -c %s "$STACK/log/$name.log")
        {
                umask 077
                close_descriptors
                exec setsid "$@" </dev/null >>"$STACK/log/$name.log" 2>&1
        } &
        pid=$!
        process_identity "$pid"
        printf '%s %s %s\n' "$pid" "$REPLY" "$written" >"$STACK/pid/$name"
        disown "$pid" 2>/dev/null || :
}

close_descriptors() {
        local path number
        for path in "/proc/$BASHPID/fd/"*; do
                number=${path##*/}
                ((number <= 2)) || eval "exec $number>&-"
        done
}

# The process and everything below it: stopping or killing a server means all of it.
process_tree() {
        local pid=$1 child
        printf '%s\n' "$pid"
        for child in $(ps -o pid= --ppid "$pid" 2>/dev/null); do
                process_tree "$child"
        done
}

# process_signal NAME SIGNAL  KILL, STOP and CONT go to the whole server, everything else to its first process. After a
# KILL nothing of it is left.
process_signal() {
        local name=$1 signal=${2#SIG} pid
        process_pid "$name" || return 1
        pid=$REPLY
        local tree
        case $signal in
        KILL | 9)
                mapfile -t tree < <(process_tree "$pid")
                kill -s KILL "${tree[@]}" 2>/dev/null || :
                wait_until 20 tree_is_gone "${tree[@]}" || die "$name does not die"
                ;;
        STOP | CONT)
                mapfile -t tree < <(process_tree "$pid")
                kill -s "$signal" "${tree[@]}" 2>/dev/null || :
                ;;
        *) kill -s "$signal" "$pid" ;;
        esac
}

tree_is_gone() {
        local pid
        for pid in "$@"; do
                process_identity "$pid"
                [[ -z $REPLY ]] || return 1
        done
}

# process_stop NAME SIGNAL SECONDS  Asks, waits, then kills.
process_stop() {
        local name=$1
        if process_pid "$name"; then
                process_signal "$name" CONT || :
                process_signal "$name" "$2" || :
                if ! wait_until "$3" process_is_gone "$name"; then
                        process_signal "$name" KILL || :
                fi
        fi
        rm -f "$STACK/pid/$name"
}

# process_await NAME SECONDS COMMAND…  Until the command succeeds; fails at once when the server has ended.
process_await() {
        local name=$1 seconds=$2
        shift 2
        PROCESS_ENDED=
        if ! wait_until "$seconds" process_ended_or "$name" "$@"; then
                tail -n 20 "$STACK/log/$name.log" >&2
                printf '%s did not answer within %s seconds\n' "$name" "$seconds" >&2
                return 1
        fi
        if [[ -n $PROCESS_ENDED ]]; then
                tail -n 20 "$STACK/log/$name.log" >&2
                printf '%s ended\n' "$name" >&2
                return 1
        fi
}

process_ended_or() {
        local name=$1
        shift
        "$@" && return
        process_pid "$name" && return 1
        PROCESS_ENDED=1
}
