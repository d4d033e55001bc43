# shellcheck shell=bash
# A stack's PostgreSQL: its data folder, roles, database and, if wanted, a write-ahead log that
# can fill up. To be sourced by servers.sh.

DATABASE_ROLES=(owner journal tenant platform directory eraser)
WAL_NAMESPACE=()

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
                process_start postgres "${WAL_NAMESPACE[@]}" "${DROP[@]}" \
                        "$POSTGRES_BIN/postgres" -D "$STACK/postgres/data"
        fi
        process_await postgres 60 postgres_ready
}

postgres_has() {
        [[ $(postgres_psql -d postgres -At -c "SELECT count(*) FROM pg_database WHERE datname = '$1'") == 1 ]]
}

# postgres_make DATABASE OWNER
postgres_make() {
        postgres_psql -d postgres -c "CREATE DATABASE $1 OWNER $2 ENCODING 'UTF8' TEMPLATE template0"
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
        postgres_has aiox || postgres_make aiox aiox_owner
        postgres_psql -d aiox -c 'CREATE EXTENSION IF NOT EXISTS vector'
}

postgres_stop() {
        process_stop postgres INT 30
}
