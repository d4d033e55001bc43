# shellcheck shell=bash
# One way of starting PostgreSQL, Redis, ejabberd and hubs, shared by quickstart and the lab. To
# be sourced under `set -euo pipefail`. It only knows servers in private folders below one folder, the stack: it never
# looks at, starts or stops anything of the system. Servers are named postgres, redis, ejabberd_N and hub_N.

[[ -n ${SERVERS_SOURCED:-} ]] && return
SERVERS_SOURCED=1

SERVERS_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$SERVERS_HERE/../.." && pwd)
# shellcheck source=tests/lab/steps.sh
. "$SERVERS_HERE/steps.sh"
# shellcheck source=tests/lab/stack.sh
. "$SERVERS_HERE/stack.sh"
# shellcheck source=tests/lab/processes.sh
. "$SERVERS_HERE/processes.sh"
# shellcheck source=tests/lab/postgres.sh
. "$SERVERS_HERE/postgres.sh"
# shellcheck source=tests/lab/redis.sh
. "$SERVERS_HERE/redis.sh"
# shellcheck source=tests/lab/ejabberd.sh
. "$SERVERS_HERE/ejabberd.sh"
# shellcheck source=tests/lab/hub.sh
. "$SERVERS_HERE/hub.sh"

server_start() {
        case $1 in
        postgres | redis) "$1_start" ;;
        ejabberd_* | hub_*) "${1%_*}_start" "${1##*_}" ;;
        esac
}

server_stop() {
        case $1 in
        postgres | redis) "$1_stop" ;;
        wal) process_stop wal KILL 1 ;;
        ejabberd_* | hub_*) "${1%_*}_stop" "${1##*_}" ;;
        esac
}

# Every server that this stack has recorded, those first that depend on others.
servers_recorded() {
        local kind path
        for kind in hub ejabberd redis postgres wal; do
                for path in "$STACK/pid/$kind" "$STACK/pid/${kind}_"*; do
                        [[ ! -f $path ]] || printf '%s\n' "${path##*/}"
                done
        done
}

servers_stop() {
        local name
        for name in $(servers_recorded); do
                server_stop "$name"
        done
}

# For a stack nobody needs any more: hubs end in order, because they may have something to report, the rest at once.
servers_discard() {
        local name
        for name in $(servers_recorded); do
                [[ $name != hub_* ]] || server_stop "$name"
        done
        for name in $(servers_recorded); do
                process_signal "$name" KILL || :
        done
        for name in $(servers_recorded); do
                process_stop "$name" KILL 10
        done
}

# What a sanitizer found in a hub; false when there is something.
servers_are_clean() {
        ! grep -HE 'ERROR: (Address|Leak|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:' \
                "$STACK"/log/hub_*.log 2>/dev/null
}
