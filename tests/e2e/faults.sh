#!/usr/bin/env bash
# What a hub withstands while messages flow: being killed, and its database and cache being killed or standing still. A
# receipt that was sent is followed by one answer, under one id. KILLS says how often a hub is killed (20).
# shellcheck disable=SC2119 # what a function is given is not what the script is given
set -euo pipefail

here=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=tests/lab/tap.sh
. "$here/../lab/tap.sh"
# shellcheck source=tests/e2e/play.sh
. "$here/play.sh"

RATE=${RATE:-200}

# load SECONDS  Begins to send from 50 people.
load() {
        said "load echo@agents.localhost $RATE $1 50"
}

a_hub_that_is_killed_at_random_answers_all_it_receipted() {
        local round kills=${KILLS:-20}
        trap play_down EXIT
        play_up
        load $((kills * 3))
        for ((round = 0; round < kills; round++)); do
                sleep "0.$(shuf -i 100-999 -n 1)"
                "$lab" kill "$LAB" hub
                "$lab" start "$LAB" hub >/dev/null
                said "up 30"
        done
        said stop
        nothing_was_lost
}

a_database_that_is_killed_loses_nothing_receipted() {
        trap play_down EXIT
        play_up
        load 12
        local round
        for round in 1 2 3; do
                sleep 1
                "$lab" kill "$LAB" postgres
                "$lab" start "$LAB" postgres >/dev/null
        done
        nothing_was_lost
}

a_database_that_stands_still_for_half_a_minute_loses_nothing_receipted() {
        trap play_down EXIT
        play_up
        load 34
        sleep 1
        "$lab" kill "$LAB" postgres STOP
        sleep 30
        "$lab" start "$LAB" postgres >/dev/null
        nothing_was_lost
        # Whoever wrote meanwhile was told to wait.
        (($(figure refused) > 0))
}

a_cache_that_is_killed_and_stands_still_costs_nothing() {
        trap play_down EXIT
        play_up
        load 8
        "$lab" kill "$LAB" redis
        sleep 1
        "$lab" start "$LAB" redis >/dev/null
        "$lab" kill "$LAB" redis STOP
        sleep 3
        "$lab" start "$LAB" redis >/dev/null
        nothing_was_lost
        expect_equal "$(figure refused)" 0
}

a_stream_that_breaks_loses_nothing_receipted() {
        trap play_down EXIT
        play_up
        load 10
        local round
        for round in 1 2 3 4 5; do
                sleep 1
                said break
                said "up 30"
        done
        nothing_was_lost
}

a_hub_that_is_told_to_stop_finishes_and_leaves_in_good_order() {
        trap play_down EXIT
        play_up
        load 4
        sleep 1
        "$lab" kill "$LAB" hub TERM
        sleep 1
        "$lab" start "$LAB" hub >/dev/null
        said "up 30"
        nothing_was_lost
        grep -q '"event":"hub stopped"' "$LAB"/log/hub_1.log
}

tests=(
        a_hub_that_is_killed_at_random_answers_all_it_receipted
        a_database_that_is_killed_loses_nothing_receipted
        a_database_that_stands_still_for_half_a_minute_loses_nothing_receipted
        a_cache_that_is_killed_and_stands_still_costs_nothing
        a_stream_that_breaks_loses_nothing_receipted
        a_hub_that_is_told_to_stop_finishes_and_leaves_in_good_order
)
run_tests "${@:-${tests[@]}}"
