# shellcheck shell=bash
# A stack's hubs: the build they come from, their settings, and the people they know. To be sourced by servers.sh.

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
        local -A settings=([hub_name]=$name [domains]="[$AGENTS_DOMAIN]" [server]="\"$server\""
                [component_secret_file]=$STACK/secrets/component [database]="\"$AIOX_DATABASE\""
                [database_owner]="\"$AIOX_DATABASE_OWNER\"" [redis]=$AIOX_REDIS
                [redis_secret_file]=$AIOX_REDIS_SECRET_FILE [master_key_file]=$STACK/secrets/master.key
                [api_socket]=$RUN/hub_$number/api [docs_folder]=$REPOSITORY/docs)
        # A sanitizer looks at the hub as a debugger does.
        ! grep -qa -e __asan_init -e __tsan_init "$AIOX_BIN/aiox" || settings[allow_core_dumps]=true
        for setting in "$@"; do
                settings[${setting%%=*}]=${setting#*=}
        done
        (
                umask 077
                mkdir -p "$STACK/hub_$number" "$RUN/hub_$number"
                {
                        for setting in "${!settings[@]}"; do
                                printf '%s: %s\n' "$setting" "${settings[$setting]}"
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
        process_has_said "hub_$1" "connected to the server"
}

# hub_people JID  Makes the person an account, and waits for the agent guide, whom the hub makes from docs/. Again and
# again to the same end.
hub_people() {
        hub_command 1
        "${COMMAND[@]}" account show "$1" || "${COMMAND[@]}" account create "$1"
        # Somebody may have deleted guide, or made one of their own: that is theirs to know.
        wait_until 30 hub_has_guide || :
}

hub_has_guide() {
        local name
        for name in $(servers_recorded); do
                if [[ $name == hub_* ]] && { process_has_said "$name" "guide knows its documents" ||
                        process_has_said "$name" "guide is not ready"; }; then
                        return 0
                fi
        done
        return 1
}
