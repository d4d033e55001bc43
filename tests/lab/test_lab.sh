#!/usr/bin/env bash
# The lab itself, on real servers.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=$here/lab
# shellcheck source=tests/lab/tap.sh
. "$here/tap.sh"

one=$(mktemp -d /tmp/aiox-lab.XXXXXX)
two=$(mktemp -d /tmp/aiox-lab.XXXXXX)
twins=$(mktemp -d /tmp/aiox-lab.XXXXXX)
cleanup() {
        "$lab" down "$one" >/dev/null 2>&1
        "$lab" down "$two" >/dev/null 2>&1
        "$lab" down "$twins" >/dev/null 2>&1
        rm -rf "$one" "$two" "$twins"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP

value_of() {
        "$lab" env "$1" | sed -n "s/^$2=//p"
}

# The pid recorded for a server, with or without its number.
pid_of() {
        sed "s/ .*//" "$1/pid/$2"*
}

lab_names_everything_a_client_needs() {
        local name
        "$lab" up "$one"
        eval "$("$lab" env "$one")"
        for name in XMPP_HOST XMPP_PORT XMPP_DOMAIN AGENTS_DOMAIN COMPONENT_PORT COMPONENT_SECRET WS_URL BOSH_URL \
                ACCOUNT_JID ACCOUNT_PASSWORD PGHOST PGPORT PGDATABASE PGUSER REDIS_URL AIOX_SOCKET; do
                [[ -n ${!name} ]] || { echo "$name is empty" && return 1; }
        done
        expect_equal "$XMPP_DOMAIN $AGENTS_DOMAIN" "localhost agents.localhost"
        expect_equal "$(psql -XAtc 'SELECT current_user')" aiox_owner
        expect_equal "$(redis-cli --no-auth-warning -u "$REDIS_URL" ping)" PONG
        [[ -S $AIOX_SOCKET && -x ${PATH%%:*}/aiox ]]
        curl -sf -o /dev/null "${BOSH_URL}" || curl -s -o /dev/null -w '%{http_code}' "$BOSH_URL" | grep -q '^[2-4]'
}

environment_has_no_surprises_for_eval() {
        local before after
        # Every line assigns or exports, so that eval runs nothing else.
        "$lab" env "$one" >"$two/env"
        expect_failure grep -vE '^([A-Z0-9_]+=[^ ;&|`$()<>]*|export [A-Z0-9_ ]+)$' "$two/env"
        before=$(eval "$("$lab" env "$one")" && echo "$PATH")
        after=$(eval "$("$lab" env "$one")" && eval "$("$lab" env "$one")" && echo "$PATH")
        expect_equal "$after" "$before"
}

labs_run_side_by_side() {
        "$lab" up "$two"
        local name
        for name in XMPP_PORT COMPONENT_PORT COMPONENT_SECRET PGPORT REDIS_URL AIOX_SOCKET ACCOUNT_PASSWORD; do
                [[ $(value_of "$one" "$name") != "$(value_of "$two" "$name")" ]] ||
                        { echo "both have one $name" && return 1; }
        done
        "$lab" down "$two"
        # The first has not noticed.
        eval "$("$lab" env "$one")"
        psql -XAtc 'SELECT 1'
}

lab_restarts_what_it_killed() {
        local server before
        for server in postgres redis ejabberd hub; do
                before=$(pid_of "$one" "$server")
                "$lab" kill "$one" "$server"
                expect_failure "$lab" kill "$one" "$server"
                "$lab" start "$one" "$server"
                [[ $(pid_of "$one" "$server") != "$before" ]]
        done
        eval "$("$lab" env "$one")"
        expect_equal "$(psql -XAtc 'SELECT 1')" 1
        expect_equal "$(redis-cli --no-auth-warning -u "$REDIS_URL" ping)" PONG
}

lab_makes_more_people() {
        local first again
        first=$("$lab" account "$one" bert)
        expect_equal "${first% *}" bert@localhost
        again=$("$lab" account "$one" bert)
        expect_equal "$again" "$first"
        expect_failure "$lab" account "$one" 'bert"'
}

lab_wakes_what_it_stopped() {
        eval "$("$lab" env "$one")"
        "$lab" kill "$one" postgres STOP
        expect_failure timeout 2 psql -XAtc 'SELECT 1'
        "$lab" start "$one" postgres
        expect_equal "$(psql -XAtc 'SELECT 1')" 1
}

unknown_servers_and_options_are_refused() {
        expect_failure "$lab" kill "$one" mailserver
        expect_failure "$lab" up "$two" --twin 2
        expect_failure "$lab" up "$two" --twins 0
        expect_failure "$lab" env "$two"
}

servers_are_unprivileged_and_closed() {
        local name pid found
        for name in postgres redis ejabberd_1; do
                pid=$(pid_of "$one" "$name")
                ((EUID != 0)) || [[ $(stat -c %U "/proc/$pid") != root ]] || { echo "$name runs as root" && return 1; }
        done
        # Nothing that others may read holds a secret.
        found=$(find "$one" -type f -perm /o=r \( -path '*/secrets/*' -o -name '*.y*ml' -o -name '*.log' \))
        expect_equal "$found" ''
        eval "$("$lab" env "$one")"
        expect_failure env PGPASSWORD=wrong psql -XAtc 'SELECT 1' -h 127.0.0.1
        expect_equal "$(psql -XAtc 'SELECT 1' -h 127.0.0.1)" 1
        expect_equal "$(redis-cli -p "$(sed 's/.*://;s,/.*,,' <<<"$REDIS_URL")" ping 2>&1)" \
                "NOAUTH Authentication required."
}

lab_keeps_its_data_when_taken_up_again() {
        local port
        eval "$("$lab" env "$one")"
        port=$XMPP_PORT
        psql -Xqc 'CREATE TABLE kept (n int)' && psql -Xqc 'INSERT INTO kept VALUES (1)'
        "$lab" down "$one"
        expect_failure "$lab" env "$one"
        "$lab" up "$one"
        eval "$("$lab" env "$one")"
        expect_equal "$XMPP_PORT" "$port"
        expect_equal "$(psql -XAtc 'SELECT n FROM kept')" 1
}

lab_works_below_a_folder_others_may_not_enter() {
        local folder=$two/closed/lab
        ((EUID == 0)) || skip "only root starts servers as other users"
        mkdir -p "$two/closed"
        chmod 700 "$two/closed"
        "$lab" up "$folder"
        "$lab" down "$folder"
}

link_replaces_ejabberd() {
        "$lab" up "$two" --link 127.0.0.1:9 --link 127.0.0.1:10
        eval "$("$lab" env "$two")"
        expect_equal "$COMPONENT_PORT_1 $COMPONENT_PORT_2 $COMPONENT_PORT" "9 10 9"
        [[ -z ${XMPP_PORT:-} && $AIOX_SOCKET_1 != "$AIOX_SOCKET_2" && $PGPORT_1 == "$PGPORT_2" ]]
        "$lab" down "$two"
}

twins_share_a_cluster() {
        local nodes
        "$lab" up "$twins" --twins 2
        eval "$("$lab" env "$twins")"
        # shellcheck disable=SC2153
        [[ $XMPP_PORT_1 != "$XMPP_PORT_2" && $AIOX_SOCKET == "$AIOX_SOCKET_1" ]]
        # shellcheck source=tests/lab/servers.sh
        nodes=$(. "$here/servers.sh" && stack_open "$twins" && ejabberd_call 2 'length(ejabberd_cluster:get_nodes())')
        expect_equal "$nodes" 2
        expect_failure "$lab" kill "$twins" hub
        "$lab" kill "$twins" ejabberd_2
        "$lab" start "$twins" ejabberd_2
        "$lab" kill "$twins" hub_2
        "$lab" start "$twins" hub_2
        "$lab" down "$twins"
        # Together again, whichever stopped last.
        "$lab" up "$twins" --twins 2
        "$lab" down "$twins"
}

down_leaves_nothing_behind() {
        "$lab" down "$one"
        local name pid
        for name in "$one"/pid/*; do
                [[ ! -e $name ]] || { echo "$name is left" && return 1; }
        done
        expect_failure grep -lsx "$one" "/tmp/aiox-ports.$EUID"/*
        expect_failure pgrep -f -- "$one/"
}

run_tests lab_names_everything_a_client_needs environment_has_no_surprises_for_eval labs_run_side_by_side \
        lab_restarts_what_it_killed lab_makes_more_people lab_wakes_what_it_stopped \
        unknown_servers_and_options_are_refused servers_are_unprivileged_and_closed \
        lab_keeps_its_data_when_taken_up_again lab_works_below_a_folder_others_may_not_enter \
        link_replaces_ejabberd twins_share_a_cluster down_leaves_nothing_behind
