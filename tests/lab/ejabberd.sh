# shellcheck shell=bash
# A stack's ejabberd nodes, with the configuration in ejabberd/ejabberd.yml. To be sourced by servers.sh.
#
# Node N is the server ejabberd_N in the folder ejabberd_N. The first listens on 127.0.0.1 and others find it at the
# same distribution port on addresses of their own, so no epmd is needed and nothing is shared with other stacks.

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
                [[ -f $folder/inetrc ]] || printf '{lookup,["file","native"]}.\n' >"$folder/inetrc"
        done
}

# Reads the template, writes the node's configuration.
ejabberd_configure() {
        local number=$1 folder=$STACK/ejabberd_$1 text name archive='' sql='' components='' domain
        local c2s=C2S_PORT_$number component=COMPONENT_PORT_$number http=HTTP_PORT_$number
        if [[ -n ${ARCHIVE:-} ]]; then
                archive='mod_mam: {db_type: sql, default: always, request_activates_archiving: false}'
                secret ejabberd_sql
                printf -v sql '%s\n' 'sql_type: pgsql' 'sql_server: "127.0.0.1"' "sql_port: $POSTGRES_PORT" \
                        'sql_database: ejabberd' 'sql_username: ejabberd' "sql_password: \"$REPLY\"" 'sql_pool_size: 2'
        fi
        secret component
        for domain in ${COMPONENTS:-}; do
                printf -v components '%s      "%s":\n        password: "%s"\n' "$components" "$domain" "$REPLY"
        done
        local -A values=([DOMAIN]=$DOMAIN [AGENTS_DOMAIN]=$AGENTS_DOMAIN [IP]=127.0.0.1 [C2S_PORT]=${!c2s}
                [COMPONENT_PORT]=${!component} [HTTP_PORT]=${!http} [COMPONENT_SECRET]=$REPLY
                [WEB_ORIGIN]=${WEB_ORIGIN:-http://127.0.0.1:${!http}} [CERTIFICATE]=$folder/certificate.pem
                [UPLOADS]=$folder/uploads
                [C2S_SHAPER]=${C2S_SHAPER:-normal} [ARCHIVE]=$archive [SQL]=$sql [COMPONENTS]=$components)
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
        ((EUID != 0)) || chown -R --reference="$folder" "$folder"/{*.yml,*.pem,.erlang.cookie,uploads,inetrc}
}

ejabberd_ready() {
        local c2s=C2S_PORT_$1 component=COMPONENT_PORT_$1
        [[ -f $STACK/ejabberd_$1/ready ]] && port_answers "${!c2s}" && port_answers "${!component}"
}

# ejabberd_command N NAME  Sets COMMAND to an Erlang machine called NAME in node N's folder, at node N's port.
ejabberd_command() {
        local folder=$STACK/ejabberd_$1 libraries
        drop_to ejabberd
        libraries=$(dirname "$(printf '%s\n' /usr/lib/*-linux-gnu/ejabberd-* | head -n 1)")
        COMMAND=(env -C "$folder" -i PATH="$PATH" LANG=C.UTF-8 HOME="$folder"
                EJABBERD_CONFIG_PATH="$folder/ejabberd.yml" EJABBERD_LOG_PATH="$folder/ejabberd.log"
                ERL_CRASH_DUMP_SECONDS=0 ERL_INETRC="$folder/inetrc" ERL_LIBS="$libraries" "${DROP[@]}"
                erl -name "$2" -noinput -start_epmd false -erl_epmd_port "$DISTRIBUTION_PORT")
}

# ejabberd_call N EXPRESSION  Evaluates Erlang inside the running node; prints the value.
ejabberd_call() {
        local COMMAND
        ejabberd_address "$1"
        ejabberd_command "$1" "call-$BASHPID@127.0.0.1"
        "${COMMAND[@]}" -hidden -dist_listen false -eval "
                {ok, Tokens, _} = erl_scan:string(\"${2//\"/\\\"}.\"),
                {ok, Forms} = erl_parse:parse_exprs(Tokens),
                case rpc:call('ejabberd@$REPLY', erl_eval, exprs, [Forms, []], 20000) of
                        {value, Value, _} -> io:format(\"~p~n\", [Value]), halt(0);
                        Failure -> io:format(standard_error, \"~p~n\", [Failure]), halt(1)
                end."
}

# What makes the accounts in the file `accounts` exist, with the passwords that stand there.
ejabberd_accounts_expression() {
        REPLY="{ok, Accounts} = file:consult(\"$STACK/ejabberd_1/accounts\"),
                lists:foreach(fun({User, Password}) ->
                        case ejabberd_auth:try_register(User, <<\"$DOMAIN\">>, Password) of
                                ok -> ok;
                                {error, exists} -> ok = ejabberd_auth:set_password(User, <<\"$DOMAIN\">>, Password)
                        end
                end, Accounts)"
}

# ejabberd_account NAME  A person's account with the password in secrets/account_NAME: at the next start, and now if the
# server runs.
ejabberd_account() {
        local file=$STACK/ejabberd_1/accounts
        secret "account_$1" short
        (
                umask 077
                [[ ! -f $file ]] || sed -i "/^{<<\"$1\">>/d" "$file"
                printf '{<<"%s">>, <<"%s">>}.\n' "$1" "$REPLY" >>"$file"
        )
        ((EUID != 0)) || chown --reference="$STACK/ejabberd_1" "$file"
        if process_pid ejabberd_1; then
                ejabberd_accounts_expression
                ejabberd_call 1 "$REPLY"
        fi
}

# ejabberd_launch N  Starts the node and does not wait. A new node beyond the first makes itself one of the first's
# cluster, once and for all: Mnesia remembers.
ejabberd_launch() {
        local number=$1 folder=$STACK/ejabberd_$1 address afterwards=''
        if process_pid "ejabberd_$number"; then
                process_signal "ejabberd_$number" CONT
                return
        fi
        port_reserve "C2S_PORT_$number" ${USUAL_PORTS:+5222}
        port_reserve "COMPONENT_PORT_$number" ${USUAL_PORTS:+5347}
        port_reserve "HTTP_PORT_$number" ${USUAL_PORTS:+5280}
        # The nodes of a cluster share one port, on different addresses; it is fixed once the cluster exists.
        [[ -n ${DISTRIBUTION_PORT:-} ]] || port_reserve DISTRIBUTION_PORT
        rm -f "$folder/ready"
        ejabberd_configure "$number"
        if ! ejabberd_has_joined "$number"; then
                afterwards="ok = ejabberd_cluster:join('ejabberd@127.0.0.1'),
                        ok = file:write_file(\"$folder/joined\", <<>>),"
        elif ((number == 1)); then
                ejabberd_accounts_expression
                afterwards="$REPLY,"
        fi
        ejabberd_address "$number"
        address=$REPLY
        ejabberd_command "$number" "ejabberd@$address"
        # The usual scheduler stacks are too small for what the parser may need.
        process_start "ejabberd_$number" "${COMMAND[@]}" \
                -kernel inet_dist_use_interface "{${address//./,}}" -mnesia dir "\"$folder/mnesia\"" \
                +sss 4096 +sssdcpu 4096 +sssdio 4096 +K true +P 250000 +sbwt none +sbwtdcpu none +sbwtdio none \
                -s ejabberd -eval "$afterwards ok = file:write_file(\"$folder/ready\", <<>>)."
}

ejabberd_has_joined() {
        (($1 == 1)) || [[ -f $STACK/ejabberd_$1/joined ]]
}

ejabberd_start() {
        local number
        # Those that know each other start together, because the one that stopped last has the data the others wait for.
        for number in "$@"; do
                ! ejabberd_has_joined "$number" || ejabberd_launch "$number"
        done
        for number in "$@"; do
                ejabberd_has_joined "$number" || ejabberd_launch "$number"
                process_await "ejabberd_$number" 60 ejabberd_ready "$number"
        done
}

ejabberd_stop() {
        process_stop "ejabberd_$1" TERM 20
}

# People's message archives, in this stack's PostgreSQL.
archive_prepare() {
        local schema
        secret ejabberd_sql
        if ! postgres_has ejabberd; then
                schema=$(printf '%s\n' /usr/lib/*-linux-gnu/ejabberd-*/priv/sql/pg.sql /usr/share/ejabberd/sql/pg.sql |
                        while read -r path; do [[ ! -f $path ]] || echo "$path"; done | head -n 1)
                [[ -n $schema ]] || die "ejabberd's SQL schema is not installed"
                printf "CREATE ROLE ejabberd LOGIN PASSWORD '%s';\n" "$REPLY" | postgres_psql -d postgres
                postgres_make ejabberd ejabberd
                (printf 'SET ROLE ejabberd;\n' && cat "$schema") | postgres_psql -d ejabberd
        fi
}
