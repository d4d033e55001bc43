#!/usr/bin/env bash
# A test that cannot fail says nothing: against a hub that sends receipts before the commit, the test of kills fails.
#
#     tests/e2e/planted.sh HASTY-AIOX
set -euo pipefail

here=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=tests/lab/tap.sh
. "$here/../lab/tap.sh"
hasty=$(realpath "${1:?which aiox}")

a_receipt_before_the_commit_is_found_by_the_test_of_kills() {
        local build output try status=0
        build=$(mktemp -d)
        # shellcheck disable=SC2064
        trap "rm -rf '$build'" EXIT
        mkdir "$build/component"
        ln -s "$hasty" "$build/component/aiox"
        # Whether a kill falls between a receipt and its commit is a matter of luck; where commits are fast, of some.
        for ((try = 0; try < 3 && status == 0; try++)); do
                output=$(AIOX_BUILD=$build KILLS=8 RATE=4000 PATIENCE=30 "$here/faults.sh" \
                        a_hub_that_is_killed_at_random_answers_all_it_receipted) || status=$?
                printf '%s\n' "$output"
        done
        expect_equal "$status" 1
        # It fails for the right reason: what was receipted never becomes even with what was answered.
        grep -q '^# even 30: .*"done":false' <<<"$output"
}

run_tests a_receipt_before_the_commit_is_found_by_the_test_of_kills
