# shellcheck shell=bash
# One way of starting PostgreSQL, Redis, ejabberd and hubs, shared by quickstart and the lab. To be sourced under
# `set -euo pipefail`. It only knows servers in private folders below one folder, the stack: it never looks at, starts or
# stops anything of the system.
#
# A stack's folder holds: state (shell assignments: ports and names), secrets/, run/ (sockets), log/, pid/ and one data
# folder per server. Started as root, each server runs as its package's own unprivileged user. A server is stopped only
# if its pid *and* start time are those we recorded.

[[ -n ${SERVERS_SOURCED:-} ]] && return
SERVERS_SOURCED=1

SERVERS_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$SERVERS_HERE/../.." && pwd)
# shellcheck source=tests/lab/steps.sh
. "$SERVERS_HERE/steps.sh"

DATABASE_ROLES=(owner journal tenant platform directory eraser)

# --- the stack ----------------------------------------------------------------------------------------------------

stack_open() {
        STACK=$(realpath -m -- "$1")
        [[ $STACK != *[\'\"\\\ ]* ]] || die "the folder's name must not contain spaces or quotes: $STACK"
        # shellcheck source=/dev/null
        [[ ! -f $STACK/state ]] || . "$STACK/state"
}

# Makes the folder and takes its lock: one command at a time works on a stack.
stack_create() {
        mkdir -p "$STACK" || die "cannot create $STACK"
        # Servers run as users of their own and must reach what is theirs below; every folder below is closed.
        chmod u+rwx,go+x "$STACK"
        stack_lock
        mkdir -p -m 700 "$STACK/secrets" "$STACK/pid"
        mkdir -p -m 711 "$STACK/log"
        [[ -f $STACK/state ]] || (umask 077 && : >"$STACK/state")
        # A Unix socket's path has room for 107 bytes.
        if [[ -z ${RUN:-} || ! -d ${RUN:-} ]]; then
                local run=$STACK/run
                if ((${#run} > 72)); then
                        run=$(mktemp -d "/tmp/aiox-run.XXXXXX")
                        ln -sfn "$run" "$STACK/run"
                fi
                mkdir -p "$run"
                chmod 711 "$run"
                state_set RUN "$run"
        fi
}

stack_lock() {
        exec {STACK_LOCK}>"$STACK/lock"
        flock -w 120 "$STACK_LOCK" || die "another command has worked on $STACK for two minutes"
}

# Remembers NAME=VALUE, now and for the next command.
state_set() {
        printf -v "$1" '%s' "$2"
        sed -i "/^$1=/d" "$STACK/state"
        printf '%s=%q\n' "$1" "$2" >>"$STACK/state"
}

# The secret NAME, made when there is none yet: 32 random bytes in the form given.
secret() {
        local file=$STACK/secrets/$1 form=${2:-hex}
        if [[ ! -s $file ]]; then
                case $form in
                hex) (umask 077 && openssl rand -hex 32 >"$file.new") ;;
                base64) (umask 077 && openssl rand -base64 32 >"$file.new") ;;
                esac
                mv "$file.new" "$file"
        fi
        REPLY=$(<"$file")
}

# --- ports --------------------------------------------------------------------------------------------------------
# A port is reserved in a folder all stacks of this user share, as long as its stack remembers it, so that stacks side by
# side never get in each other's way, also while a server is down.

PORTS=/tmp/aiox-ports.$EUID

port_answers() {
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

port_is_taken() {
        local owner
        if [[ -f $PORTS/$1 ]]; then
                owner=$(<"$PORTS/$1")
                if [[ $owner != "$STACK" ]] && grep -qs "=$1\$" "$owner/state"; then
                        return 0
                fi
        fi
        port_answers "$1"
}

# port_reserve NAME [PREFERRED]  Sets and remembers NAME, which keeps its value in later runs unless somebody else's
# server has taken the port meanwhile and ours is not running.
port_reserve() {
        local name=$1 preferred=${2:-} port lock
        mkdir -p -m 700 "$PORTS"
        [[ -O $PORTS && ! -L $PORTS ]] || die "$PORTS belongs to somebody else"
        exec {lock}>"$PORTS/lock"
        flock "$lock"
        if [[ -n ${!name:-} ]] && ! port_is_taken "${!name}"; then
                preferred=${!name}
        fi
        for port in $preferred $(shuf -i 20000-31999 -n 200); do
                if ! port_is_taken "$port"; then
                        printf '%s' "$STACK" >"$PORTS/$port"
                        state_set "$name" "$port"
                        exec {lock}>&-
                        return
                fi
        done
        die "found no free port on 127.0.0.1"
}

ports_release() {
        local file
        for file in "$PORTS"/*; do
                [[ -f $file && ${file##*/} != lock && $(<"$file") == "$STACK" ]] || continue
                rm -f "$file"
        done
}

# --- unprivileged users -------------------------------------------------------------------------------------------

# drop_to USER  Sets DROP to the command that runs what follows as that user; empty unless we are root. The folder of a
# stack may lie where others may not look, below /root for instance: the one right to pass through is kept then.
declare -A DROPS=()
drop_to() {
        local user=$1 right
        DROP=()
        ((EUID == 0)) || return 0
        getent passwd "$user" >/dev/null || user=nobody
        DROP=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups --no-new-privs)
        if [[ -z ${DROPS[$user]:-} ]]; then
                if "${DROP[@]}" test -x "$STACK"; then
                        DROPS[$user]=none
                else
                        for right in dac_read_search dac_override; do
                                "${DROP[@]}" "--inh-caps=-all,+$right" "--ambient-caps=+$right" \
                                        test -x "$STACK" 2>/dev/null || continue
                                DROPS[$user]=$right
                                break
                        done
                        [[ -n ${DROPS[$user]:-} ]] ||
                                die "the user $user cannot reach $STACK; choose a folder others may pass, as in /var/tmp"
                fi
        fi
        right=${DROPS[$user]}
        [[ $right == none ]] || DROP+=("--inh-caps=-all,+$right" "--ambient-caps=+$right")
}

# own_folder USER FOLDER  A closed folder of that user's.
own_folder() {
        mkdir -p -m 700 "$2"
        ((EUID != 0)) || ! getent passwd "$1" >/dev/null || chown "$1:" "$2"
        if ((EUID == 0)) && ! getent passwd "$1" >/dev/null; then
                chown nobody: "$2"
        fi
}

# --- processes ----------------------------------------------------------------------------------------------------

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
        local pid='' started=''
        [[ -f $STACK/pid/$1 ]] || return 1
        read -r pid started <"$STACK/pid/$1" || return 1
        process_identity "$pid"
        [[ -n $REPLY && $REPLY == "$started" ]] || return 1
        REPLY=$pid
}

process_is_gone() {
        ! process_pid "$1"
}

# process_start NAME COMMAND…  In a session of its own, without our descriptors, its output in log/NAME.log.
process_start() {
        local name=$1 pid
        shift
        {
                close_descriptors
                exec setsid "$@" </dev/null >>"$STACK/log/$name.log" 2>&1
        } &
        pid=$!
        process_identity "$pid"
        printf '%s %s\n' "$pid" "$REPLY" >"$STACK/pid/$name"
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

# process_signal NAME SIGNAL  KILL, STOP and CONT go to the whole server, everything else to its first process.
process_signal() {
        local name=$1 signal=${2#SIG} pid
        process_pid "$name" || return 1
        pid=$REPLY
        case $signal in
        KILL | 9 | STOP | CONT)
                local tree
                mapfile -t tree < <(process_tree "$pid")
                kill -s "$signal" "${tree[@]}" 2>/dev/null || :
                ;;
        *) kill -s "$signal" "$pid" ;;
        esac
}

# process_stop NAME SIGNAL SECONDS  Asks, waits, then kills.
process_stop() {
        local name=$1
        if process_pid "$name"; then
                process_signal "$name" CONT || :
                process_signal "$name" "$2" || :
                if ! wait_until "$3" process_is_gone "$name"; then
                        process_signal "$name" KILL || :
                        wait_until 10 process_is_gone "$name" || die "$name does not die"
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

# --- PostgreSQL ---------------------------------------------------------------------------------------------------

postgres_find() {
        local folder
        for folder in /usr/lib/postgresql/17 /usr/lib/postgresql/16 /usr/lib/postgresql/15; do
                if [[ -x $folder/bin/postgres && -x $folder/bin/initdb ]]; then
                        POSTGRES_BIN=$folder/bin
                        return
                fi
        done
        die "PostgreSQL 15 or newer is not installed; tests/lab/packages.sh run installs it"
}

# postgres_psql ARGUMENT…  As the superuser of this private server, over its socket.
postgres_psql() {
        "$POSTGRES_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$RUN/postgres" -p "$POSTGRES_PORT" -U postgres "$@"
}

postgres_configure() {
        local data=$STACK/postgres/data user
        user=$(id -un)
        cat >"$data/postgresql.conf" <<-END
		listen_addresses = '127.0.0.1'
		port = $POSTGRES_PORT
		unix_socket_directories = '$RUN/postgres'
		unix_socket_permissions = 0700
		password_encryption = 'scram-sha-256'
		max_connections = 200
		shared_buffers = 256MB
		fsync = on
		synchronous_commit = on
		max_wal_size = 2GB
		max_locks_per_transaction = 256
		timezone = 'UTC'
		log_timezone = 'UTC'
		datestyle = 'iso, ymd'
		default_text_search_config = 'pg_catalog.english'
		log_line_prefix = '%m [%p] %u '
		log_parameter_max_length = 0
		log_parameter_max_length_on_error = 0
	END
        # Whoever may open the socket's folder is the user who made this stack.
        cat >"$data/pg_hba.conf" <<-END
		local all postgres,aiox_owner peer map=stack
		local all all scram-sha-256
		host all all 127.0.0.1/32 scram-sha-256
	END
        printf 'stack %s %s\n' "$user" postgres "$user" aiox_owner >"$data/pg_ident.conf"
}

postgres_passwords() {
        local role
        (
                umask 077
                : >"$STACK/secrets/pgpass"
                for role in "${DATABASE_ROLES[@]}"; do
                        secret "postgres_$role"
                        printf '*:*:*:aiox_%s:%s\n' "$role" "$REPLY" >>"$STACK/secrets/pgpass"
                done
        )
}

# postgres_create NAME…  The private data folder, and the databases wanted in it.
postgres_create() {
        postgres_find
        own_folder postgres "$STACK/postgres"
        drop_to postgres
        if [[ ! -f $STACK/postgres/data/PG_VERSION ]]; then
                rm -rf "$STACK/postgres/data"
                "${DROP[@]}" "$POSTGRES_BIN/initdb" -D "$STACK/postgres/data" -U postgres --encoding=UTF8 \
                        --locale=C.UTF-8 --data-checksums --auth=peer ${INITDB_OPTIONS:+"$INITDB_OPTIONS"}
        fi
        postgres_passwords
}

postgres_ready() {
        "$POSTGRES_BIN/pg_isready" -q -h "$RUN/postgres" -p "$POSTGRES_PORT"
}

postgres_start() {
        postgres_find
        if process_pid postgres; then
                process_signal postgres CONT
        else
                port_reserve POSTGRES_PORT 5432
                own_folder postgres "$RUN/postgres"
                drop_to postgres
                postgres_configure
                # Backends of a killed postmaster notice its death by themselves, soon.
                process_start postgres "${WAL_NAMESPACE[@]}" "${DROP[@]}" "$POSTGRES_BIN/postgres" -D "$STACK/postgres/data"
        fi
        process_await postgres 60 postgres_ready
}

# The roles, and the database with its extension; again and again to the same end.
postgres_prepare() {
        local role
        (
                for role in "${DATABASE_ROLES[@]}"; do
                        secret "postgres_$role"
                        export "AIOX_${role^^}_PASSWORD=$REPLY"
                done
                postgres_psql -d postgres -f "$REPOSITORY/schema/roles.sql"
        )
        if [[ $(postgres_psql -d postgres -At -c "SELECT count(*) FROM pg_database WHERE datname = 'aiox'") == 0 ]]; then
                postgres_psql -d postgres -c "CREATE DATABASE aiox OWNER aiox_owner ENCODING 'UTF8' TEMPLATE template0"
        fi
        postgres_psql -d aiox -c 'CREATE EXTENSION IF NOT EXISTS vector'
}

postgres_stop() {
        process_stop postgres INT 30
}

# --- Redis --------------------------------------------------------------------------------------------------------

redis_create() {
        own_folder redis "$STACK/redis"
        secret redis
}

redis_configure() {
        secret redis
        (
                umask 077
                cat >"$STACK/secrets/redis.conf" <<-END
			bind 127.0.0.1
			port $REDIS_PORT
			unixsocket $RUN/redis/socket
			unixsocketperm 700
			requirepass $REPLY
			dir $STACK/redis
			appendonly yes
			maxmemory-policy noeviction
			daemonize no
		END
        )
}

redis_ready() {
        local reply
        secret redis
        reply=$(REDISCLI_AUTH=$REPLY redis-cli -s "$RUN/redis/socket" ping 2>/dev/null) && [[ $reply == PONG ]]
}

redis_start() {
        if process_pid redis; then
                process_signal redis CONT
        else
                port_reserve REDIS_PORT 6379
                own_folder redis "$RUN/redis"
                drop_to redis
                redis_configure
                # By standard input, so that the password is in no command line and no file of Redis' own.
                process_start redis bash -c 'exec "${@:2}" <"$1"' - "$STACK/secrets/redis.conf" \
                        "${DROP[@]}" redis-server -
        fi
        process_await redis 30 redis_ready
}

redis_stop() {
        process_stop redis TERM 10
}

redis_url() {
        secret redis
        REPLY="redis://default:$REPLY@127.0.0.1:$REDIS_PORT/0"
}

# Sets what a program needs to reach this stack's database and cache.
environment_of_database() {
        PGHOST=$RUN/postgres
        PGPORT=$POSTGRES_PORT
        PGDATABASE=aiox
        PGUSER=aiox_owner
        PGPASSFILE=$STACK/secrets/pgpass
        AIOX_DATABASE="host=$PGHOST port=$PGPORT dbname=$PGDATABASE passfile=$PGPASSFILE"
        AIOX_DATABASE_OWNER="$AIOX_DATABASE user=$PGUSER"
        redis_url
        REDIS_URL=$REPLY
}
