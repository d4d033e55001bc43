# shellcheck shell=bash
# Tests in bash, printed as TAP: a test is a function whose name says what must hold, run in a
# shell of its own with `set -e`; it fails when a command in it does, and `skip REASON` leaves it out. What it prints is
# shown when it fails, and lines that begin with `figures: ` always. Source this, define them, call run_tests.

expect_equal() {
        [[ $1 == "$2" ]] || {
                printf "expected '%s', got '%s'\n" "$2" "$1"
                return 1
        }
}

# Under set -e, `!` never fails a test.
expect_failure() {
        if "$@"; then
                printf 'expected to fail: %s\n' "$*"
                return 1
        fi
}

skip() {
        printf '%s\n' "$*" >"$TAP_SKIP"
        exit 77
}

# run_tests NAME…
run_tests() {
        local name number=0 output failed=0
        printf '1..%d\n' $#
        TAP_SKIP=$(mktemp)
        for name in "$@"; do
                number=$((number + 1))
                : >"$TAP_SKIP"
                # Not within a condition, which would switch set -e off.
                set +e
                output=$(set -e; "$name" 2>&1 </dev/null)
                local status=$?
                if ((status == 0)); then
                        printf 'ok %d - %s\n' "$number" "$name"
                        printf '%s\n' "$output" | sed -n 's/^figures: /# /p'
                elif ((status == 77)) && [[ -s $TAP_SKIP ]]; then
                        printf 'ok %d - %s # SKIP %s\n' "$number" "$name" "$(<"$TAP_SKIP")"
                else
                        failed=1
                        printf 'not ok %d - %s\n' "$number" "$name"
                        printf '%s\n' "$output" | sed 's/^/# /'
                fi
        done
        rm -f "$TAP_SKIP"
        return "$failed"
}
