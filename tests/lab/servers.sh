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

WAL_NAMESPACE=()
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

# What steps print from now on goes to this file of the stack's.
stack_log() {
        STEP_LOG=$STACK/$1
        [[ -f $STEP_LOG ]] || (umask 077 && : >"$STEP_LOG")
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

# The secret NAME, made when there is none yet: 32 random bytes in the form given, or 10 that a person can type.
secret() {
        local file=$STACK/secrets/$1 form=${2:-hex}
        if [[ ! -s $file ]]; then
                case $form in
                hex) (umask 077 && openssl rand -hex 32 >"$file.new") ;;
                short) (umask 077 && openssl rand -hex 10 >"$file.new") ;;
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

# drop_to USER  Sets DROP to the command that runs what follows as that user; empty unless we are root.
#
# A stack may lie where others may not look, below /root for instance. The server then gets a mount namespace in which the
# closed folder holds nothing but the way to the stack; where mounting is forbidden, it keeps one right to pass through.
declare -A DROPS=()
drop_to() {
        local user=$1 way
        DROP=()
        ((EUID == 0)) || return 0
        getent passwd "$user" >/dev/null || user=nobody
        if [[ -z ${DROPS[$user]:-} ]]; then
                for way in plainly in_namespace with_dac_read_search with_dac_override; do
                        drop_command "$user" "$way"
                        ! "${DROP[@]}" stat "$STACK/." &>/dev/null || break
                        way=
                done
                [[ -n $way ]] || die "the user $user cannot reach $STACK; choose a folder others may pass, as in /var/tmp"
                DROPS[$user]=$way
        fi
        drop_command "$user" "${DROPS[$user]}"
}

# The folder that keeps a user from the stack.
closed_folder() {
        local path=''  part parts
        IFS=/ read -ra parts <<<"${STACK#/}"
        for part in "${parts[@]}"; do
                path+=/$part
                if ! setpriv --reuid "$1" --regid "$(id -g "$1")" --clear-groups stat "$path/." &>/dev/null; then
                        REPLY=$path
                        return
                fi
        done
        REPLY=$STACK
}

drop_command() {
        local user=$1 way=$2 right
        DROP=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups --no-new-privs)
        case $way in
        in_namespace)
                closed_folder "$user"
                DROP=(unshare -m --propagation private bash -ec '
                        umask 066
                        hold=$(mktemp -d)
                        mount --rbind "$2" "$hold"
                        mount -t tmpfs -o mode=711,size=1m tmpfs "$1"
                        mkdir -p "$2"
                        mount --move "$hold" "$2"
                        rmdir "$hold"
                        umask 077
                        shift 2
                        exec "$@"' - "$REPLY" "$STACK" "${DROP[@]}")
                ;;
        with_*)
                right=${way#with_}
                DROP+=(--securebits=+no_setuid_fixup "--inh-caps=-all,+$right" "--ambient-caps=-all,+$right")
                ;;
        esac
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
                umask 077
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

# --- names --------------------------------------------------------------------------------------------------------
# postgres, redis, ejabberd_N and hub_N.

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
        local data=$STACK/postgres/data user wal=2GB
        [[ -z ${WAL_SIZE:-} ]] || wal=32MB
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
		max_wal_size = $wal
		min_wal_size = 32MB
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
                        --locale=C.UTF-8 --data-checksums --auth=peer ${WAL_SIZE:+--wal-segsize=1} \
                        ${INITDB_OPTIONS:+"$INITDB_OPTIONS"}
        fi
        postgres_passwords
}

postgres_ready() {
        "$POSTGRES_BIN/pg_isready" -q -h "$RUN/postgres" -p "$POSTGRES_PORT"
}

# wal_hold  Puts the write-ahead log on a file system of WAL_SIZE that only this PostgreSQL sees: in a mount namespace
# that a process of its own keeps alive. Exits with 77 where mounting is forbidden.
wal_hold() {
        local log=$STACK/postgres/data/pg_wal
        WAL_NAMESPACE=()
        [[ -n ${WAL_SIZE:-} ]] || return 0
        if ! process_pid wal; then
                unshare -m true 2>/dev/null || {
                        printf 'mounting is forbidden here, so --wal-size cannot be had\n' >&"$STEP_ERR"
                        exit 77
                }
                process_start wal unshare -m --propagation private bash -ec '
                        cp -a "$1" "$1.copy"
                        mount -t tmpfs -o "size=$2,mode=700" tmpfs "$1"
                        chown --reference="$1.copy" "$1"
                        cp -a "$1.copy/." "$1"
                        rm -rf "$1.copy"
                        exec sleep infinity' - "$log" "$WAL_SIZE"
                process_await wal 10 wal_is_held
        fi
        process_pid wal
        state_set WAL_FOLDER "/proc/$REPLY/root$log"
        WAL_NAMESPACE=(nsenter -t "$REPLY" -m --)
}

wal_is_held() {
        local command
        process_pid wal && read -rd '' command <"/proc/$REPLY/cmdline" && [[ $command == sleep ]]
}

# A postmaster that was killed may stay behind as a zombie for as long as its parent likes, which PostgreSQL takes for
# another one at work.
postgres_unlock() {
        local file pid
        for file in "$STACK/postgres/data/postmaster.pid" "$RUN/postgres/".s.*.lock; do
                [[ -f $file ]] || continue
                read -r pid <"$file" || :
                process_identity "${pid:-0}"
                [[ -n $REPLY ]] || rm -f "$file"
        done
}

postgres_start() {
        postgres_find
        if process_pid postgres; then
                process_signal postgres CONT
        else
                port_reserve POSTGRES_PORT ${USUAL_PORTS:+5432}
                own_folder postgres "$RUN/postgres"
                drop_to postgres
                postgres_configure
                postgres_unlock
                wal_hold
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
                port_reserve REDIS_PORT ${USUAL_PORTS:+6379}
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

# Sets what a program needs to reach this stack's database and cache.
environment_of_database() {
        PGHOST=$RUN/postgres
        PGPORT=$POSTGRES_PORT
        PGDATABASE=aiox
        PGUSER=aiox_owner
        PGPASSFILE=$STACK/secrets/pgpass
        AIOX_DATABASE="host=$PGHOST port=$PGPORT dbname=$PGDATABASE passfile=$PGPASSFILE"
        AIOX_DATABASE_OWNER="$AIOX_DATABASE user=$PGUSER"
        secret redis
        REDIS_URL="redis://default:$REPLY@127.0.0.1:$REDIS_PORT/0"
        AIOX_REDIS="redis://127.0.0.1:$REDIS_PORT/0"
        AIOX_REDIS_SECRET_FILE=$STACK/secrets/redis
}

# --- ejabberd -----------------------------------------------------------------------------------------------------
# Node N is the server ejabberd_N in the folder ejabberd_N. The first listens on 127.0.0.1 and others find it at the same
# distribution port on addresses of their own, so no epmd is needed and nothing is shared with other stacks.

DOMAIN=localhost
AGENTS_DOMAIN=agents.localhost

ejabberd_address() {
        if (($1 == 1)); then
                REPLY=127.0.0.1
        else
                [[ -n ${LOOPBACK:-} ]] || state_set LOOPBACK "127.$((RANDOM % 200 + 30)).$((RANDOM % 250 + 2))"
                REPLY=$LOOPBACK.$1
        fi
}

ejabberd_certificate() {
        local secrets=$STACK/secrets
        [[ ! -s $secrets/certificate.pem ]] || return 0
        (
                umask 077
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
                        -subj "/CN=$DOMAIN" -keyout "$secrets/tls.key" -out "$secrets/tls.crt" -addext \
                        "subjectAltName=DNS:$DOMAIN,DNS:*.$DOMAIN,DNS:$AGENTS_DOMAIN,IP:127.0.0.1"
                cat "$secrets/tls.key" "$secrets/tls.crt" >"$secrets/certificate.pem.new"
                mv "$secrets/certificate.pem.new" "$secrets/certificate.pem"
        )
}

# ejabberd_create N…
ejabberd_create() {
        local number folder
        ejabberd_certificate
        secret component
        secret erlang_cookie
        for number in "$@"; do
                folder=$STACK/ejabberd_$number
                own_folder ejabberd "$folder"
                own_folder ejabberd "$RUN/ejabberd_$number"
                [[ -f $folder/inetrc ]] || printf '{lookup,["file","native"]}.\n' >"$folder/inetrc"
        done
}

# Reads the template, writes the node's configuration.
ejabberd_configure() {
        local number=$1 folder=$STACK/ejabberd_$1 text name archive='' sql=''
        local c2s=C2S_PORT_$number component=COMPONENT_PORT_$number http=HTTP_PORT_$number
        if [[ -n ${ARCHIVE:-} ]]; then
                archive='mod_mam: {db_type: sql, default: always, request_activates_archiving: false}'
                secret ejabberd_sql
                printf -v sql '%s\n' 'sql_type: pgsql' 'sql_server: "127.0.0.1"' "sql_port: $POSTGRES_PORT" \
                        'sql_database: ejabberd' 'sql_username: ejabberd' "sql_password: \"$REPLY\"" 'sql_pool_size: 2'
        fi
        secret component
        local -A values=([DOMAIN]=$DOMAIN [AGENTS_DOMAIN]=$AGENTS_DOMAIN [IP]=127.0.0.1 [C2S_PORT]=${!c2s}
                [COMPONENT_PORT]=${!component} [HTTP_PORT]=${!http} [COMPONENT_SECRET]=$REPLY
                [WEB_ORIGIN]=${WEB_ORIGIN:-http://127.0.0.1:${!http}} [CERTIFICATE]=$folder/certificate.pem
                [API_SOCKET]=$RUN/ejabberd_$number/api [UPLOADS]=$folder/uploads
                [C2S_SHAPER]=${C2S_SHAPER:-normal} [ARCHIVE]=$archive [SQL]=$sql)
        text=$(sed '/^#/d' "$REPOSITORY/ejabberd/ejabberd.yml")
        for name in "${!values[@]}"; do
                text=${text//@$name@/${values[$name]}}
        done
        [[ $text != *@[A-Z]*@* ]] || die "ejabberd/ejabberd.yml has a name that nothing sets"
        (
                umask 077
                mkdir -p "$folder/uploads"
                printf '%s\n' "$text" >"$folder/ejabberd.yml"
                cp "$STACK/secrets/certificate.pem" "$folder/certificate.pem"
                secret erlang_cookie
                rm -f "$folder/.erlang.cookie"
                printf '%s' "$REPLY" >"$folder/.erlang.cookie"
                chmod 400 "$folder/.erlang.cookie"
        )
        ((EUID != 0)) || chown -R --reference="$folder" "$folder"/{ejabberd.yml,certificate.pem,.erlang.cookie,uploads,inetrc}
}

# ejabberd_api N COMMAND JSON  Prints the answer.
ejabberd_api() {
        curl -sS --fail-with-body --max-time 30 --unix-socket "$RUN/ejabberd_$1/api" \
                -H 'Content-Type: application/json' --data-binary @- "http://localhost/api/$2" <<<"${3:-{\}}"
}

ejabberd_ready() {
        local c2s=C2S_PORT_$1 component=COMPONENT_PORT_$1
        [[ -S $RUN/ejabberd_$1/api ]] && [[ $(ejabberd_api "$1" status 2>/dev/null) == *started* ]] &&
                port_answers "${!c2s}" && port_answers "${!component}"
}

# ejabberd_launch N  Starts the node and does not wait. A new node beyond the first makes itself one of the first's
# cluster, once and for all: Mnesia remembers.
ejabberd_launch() {
        local number=$1 folder=$STACK/ejabberd_$1 address libraries join=()
        if process_pid "ejabberd_$number"; then
                process_signal "ejabberd_$number" CONT
                return
        fi
        port_reserve "C2S_PORT_$number" ${USUAL_PORTS:+5222}
        port_reserve "COMPONENT_PORT_$number" ${USUAL_PORTS:+5347}
        port_reserve "HTTP_PORT_$number" ${USUAL_PORTS:+5280}
        # The nodes of a cluster share one port, on different addresses; it is fixed once the cluster exists.
        [[ -n ${DISTRIBUTION_PORT:-} ]] || port_reserve DISTRIBUTION_PORT
        own_folder ejabberd "$RUN/ejabberd_$number"
        rm -f "$RUN/ejabberd_$number/api"
        ejabberd_configure "$number"
        ejabberd_address "$number"
        address=$REPLY
        drop_to ejabberd
        libraries=$(dirname "$(printf '%s\n' /usr/lib/*-linux-gnu/ejabberd-* | head -n 1)")
        if ((number > 1)) && ! ejabberd_has_joined "$number"; then
                join=(-eval "case ejabberd_cluster:join('ejabberd@127.0.0.1') of
                        ok -> ok = file:write_file(\"$folder/joined\", <<>>);
                        Error -> io:format(\"~p~n\", [Error]), halt(1)
                end.")
        fi
        # Without the larger scheduler stacks one deeply nested stanza ends the whole virtual machine.
        process_start "ejabberd_$number" env -C "$folder" -i PATH="$PATH" LANG=C.UTF-8 HOME="$folder" \
                EJABBERD_CONFIG_PATH="$folder/ejabberd.yml" EJABBERD_LOG_PATH="$folder/ejabberd.log" \
                ERL_CRASH_DUMP_SECONDS=0 ERL_INETRC="$folder/inetrc" ERL_LIBS="$libraries" "${DROP[@]}" \
                erl -name "ejabberd@$address" -noinput -start_epmd false -erl_epmd_port "$DISTRIBUTION_PORT" \
                -kernel inet_dist_use_interface "{${address//./,}}" -mnesia dir "\"$folder/mnesia\"" \
                +sss 4096 +sssdcpu 4096 +sssdio 4096 +K true +P 250000 +sbwt none +sbwtdcpu none +sbwtdio none \
                -s ejabberd "${join[@]}"
}

ejabberd_has_joined() {
        (($1 == 1)) || [[ -f $STACK/ejabberd_$1/joined ]]
}

ejabberd_joined_and_ready() {
        ejabberd_has_joined "$1" && ejabberd_ready "$1"
}

ejabberd_start() {
        local number
        # Those that know each other start together, because the one that stopped last has the data the others wait for.
        for number in "$@"; do
                ! ejabberd_has_joined "$number" || ejabberd_launch "$number"
        done
        for number in "$@"; do
                ejabberd_has_joined "$number" || ejabberd_launch "$number"
                process_await "ejabberd_$number" 60 ejabberd_joined_and_ready "$number"
        done
}

ejabberd_stop() {
        process_stop "ejabberd_$1" TERM 20
}

# ejabberd_account NAME  A person's account with the password in secrets/account_NAME.
ejabberd_account() {
        local name=$1 password
        secret "account_$name" short
        password=$REPLY
        ejabberd_api 1 register "{\"user\": \"$name\", \"host\": \"$DOMAIN\", \"password\": \"$password\"}" ||
                ejabberd_api 1 change_password \
                        "{\"user\": \"$name\", \"host\": \"$DOMAIN\", \"newpass\": \"$password\"}"
}

# People's message archives, in this stack's PostgreSQL.
archive_prepare() {
        local schema
        secret ejabberd_sql
        if [[ $(postgres_psql -d postgres -At -c "SELECT count(*) FROM pg_database WHERE datname = 'ejabberd'") == 0 ]]; then
                schema=$(printf '%s\n' /usr/lib/*-linux-gnu/ejabberd-*/priv/sql/pg.sql /usr/share/ejabberd/sql/pg.sql |
                        while read -r path; do [[ ! -f $path ]] || echo "$path"; done | head -n 1)
                [[ -n $schema ]] || die "ejabberd's SQL schema is not installed"
                printf "CREATE ROLE ejabberd LOGIN PASSWORD '%s';\n" "$REPLY" | postgres_psql -d postgres
                postgres_psql -d postgres -c "CREATE DATABASE ejabberd OWNER ejabberd ENCODING 'UTF8' TEMPLATE template0"
                (printf 'SET ROLE ejabberd;\n' && cat "$schema") | postgres_psql -d ejabberd
        fi
}

# --- hubs ---------------------------------------------------------------------------------------------------------

# aiox_build  Builds a release unless AIOX_BUILD names a build that is to be used as it is. Sets AIOX_BIN.
aiox_build() {
        local build=${AIOX_BUILD:-$REPOSITORY/build} lock
        if [[ -z ${AIOX_BUILD:-} ]]; then
                mkdir -p "$build"
                exec {lock}>"$build/lab.lock"
                flock "$lock"
                [[ -f $build/build.ninja ]] || meson setup "$build" "$REPOSITORY" --buildtype=release
                ninja -C "$build" component/aiox
                exec {lock}>&-
        fi
        [[ -x $build/component/aiox ]] || die "there is no aiox in $build"
        state_set AIOX_BIN "$(realpath "$build/component")"
}

# hub_configure N SERVER [SETTING=VALUE …]
hub_configure() {
        local number=$1 server=$2 setting name=hub
        shift 2
        ((HUBS == 1)) || name=hub_$number
        environment_of_database
        secret master.key base64
        secret component
        (
                umask 077
                mkdir -p "$STACK/hub_$number" "$RUN/hub_$number"
                {
                        printf '%s: %s\n' \
                                hub_name "$name" \
                                domains "[$AGENTS_DOMAIN]" \
                                server "\"$server\"" \
                                component_secret_file "$STACK/secrets/component" \
                                database "\"$AIOX_DATABASE\"" \
                                database_owner "\"$AIOX_DATABASE_OWNER\"" \
                                redis "redis://127.0.0.1:$REDIS_PORT/0" \
                                redis_secret_file "$STACK/secrets/redis" \
                                master_key_file "$STACK/secrets/master.key" \
                                api_socket "$RUN/hub_$number/api"
                        for setting in "$@"; do
                                printf '%s: %s\n' "${setting%%=*}" "${setting#*=}"
                        done
                } >"$STACK/hub_$number/aiox.yaml"
        )
}

# hub_command N  Sets COMMAND to the aiox that belongs to hub N. Settings in the caller's environment are meant for
# others: the file decides, except for what names a model.
hub_command() {
        local name
        COMMAND=(env)
        for name in "${!AIOX_@}"; do
                [[ $name == AIOX_OPENAI_* ]] || COMMAND+=(-u "$name")
        done
        COMMAND+=("AIOX_SOCKET=$RUN/hub_$1/api" "PGPASSFILE=$STACK/secrets/pgpass" "$AIOX_BIN/aiox")
}

hub_migrate() {
        hub_command 1
        "${COMMAND[@]}" migrate --config "$STACK/hub_1/aiox.yaml"
}

hub_answers() {
        [[ -S $RUN/hub_$1/api ]] &&
                curl -s --max-time 2 --unix-socket "$RUN/hub_$1/api" -o /dev/null "http://localhost/"
}

# hub_start N
hub_start() {
        local number=$1
        if process_pid "hub_$number"; then
                process_signal "hub_$number" CONT
        else
                rm -f "$RUN/hub_$number/api"
                hub_command "$number"
                process_start "hub_$number" "${COMMAND[@]}" hub --config "$STACK/hub_$number/aiox.yaml"
        fi
        process_await "hub_$number" 60 hub_answers "$number"
}

hub_stop() {
        process_stop "hub_$1" TERM "${HUB_DEADLINE:-45}"
}

# The link to the XMPP server stands.
hub_connected() {
        grep -q 'link is up' "$STACK/log/hub_$1.log"
}

# hub_people JID  Makes the person an account.
hub_people() {
        hub_command 1
        "${COMMAND[@]}" account create --jid "$1" || "${COMMAND[@]}" account show --jid "$1"
}
