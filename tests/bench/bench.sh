# shellcheck shell=bash
# What the benches have in common: labs, arms, CPU time of processes, medians. To be sourced.
#
# Arms are played in turn, round by round, against servers that stay up, so that what disturbs the machine disturbs all
# of them; a figure is the median over rounds of each arm's own. CPU time is read from /proc before and after a round.

repository=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." && pwd)
lab=$repository/tests/lab/lab
build=${AIOX_BUILD:-$repository/build}
export AIOX_BUILD=$build INITDB_OPTIONS=--no-sync

declare -A PLAY_IN=() PLAY_OUT=() FIGURES=()
PIDS=()

bench_say() {
        printf '%s\n' "$*" >&2
}

# bench_open  Makes FOLDER, which goes at the end with all that was started.
bench_open() {
        FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/aiox-bench.XXXXXX")
        LAB=$FOLDER/lab
        PORT=$(shuf -i 32000-38999 -n 1)
        trap bench_close EXIT
        bench_say "$(bench_machine)"
}

bench_close() {
        local status=$? pid
        for pid in "${PIDS[@]}"; do
                kill "$pid" 2>/dev/null || :
        done
        if ((status != 0)); then
                tail -n 20 "$LAB"/log/*.log >&2 2>/dev/null || :
        fi
        [[ ! -d $LAB/pid ]] || "$lab" down "$LAB" >/dev/null 2>&1 || :
        rm -rf "$FOLDER"
        return "$status"
}

bench_machine() {
        printf '%s, %s cores, load %s, %s' "$(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)" "$(nproc)" \
                "$(cut -d ' ' -f 1-3 /proc/loadavg)" "$(date -u +%FT%H:%MZ)"
}

# lab_up [OPTION …]  A lab with the public agent echo@$AGENTS_DOMAIN.
lab_up() {
        "$lab" up "$LAB" "$@" >&2
        eval "$("$lab" env "$LAB")"
        aiox member add "$ACCOUNT_JID" --role owner >/dev/null
        aiox agent create echo --owner "$ACCOUNT_JID" --visibility public --model builtin/echo --memory none >/dev/null
        (umask 077 && printf '%s' "$COMPONENT_SECRET" >"$FOLDER/secret")
}

# play NAME PORT  Starts a scripted server, which is then told things by `tell NAME LINE`.
play() {
        local name=$1 in out
        mkfifo "$FOLDER/$name.in" "$FOLDER/$name.out"
        "$build/tests/xmpp-play" "127.0.0.1:$2" "$FOLDER/secret" <"$FOLDER/$name.in" >"$FOLDER/$name.out" &
        PIDS+=($!)
        exec {in}>"$FOLDER/$name.in" {out}<"$FOLDER/$name.out"
        PLAY_IN[$name]=$in PLAY_OUT[$name]=$out
        read -r -u "$out" REPLY
}

# tell NAME LINE  Sets REPLY to what the scripted server answers.
tell() {
        printf '%s\n' "$2" >&"${PLAY_IN[$1]}"
        read -r -t 300 -u "${PLAY_OUT[$1]}" REPLY
}

# nothing NAME PORT  The component that does nothing but answer.
nothing() {
        "$build/tests/xmpp-nothing" "127.0.0.1:$2" "$AGENTS_DOMAIN" "$FOLDER/secret" >"$FOLDER/$1.nothing" 2>&1 &
        PIDS+=($!)
        NOTHING_PID=$!
}

# figure EXPRESSION  Of the last REPLY.
figure() {
        jq -r "$1" <<<"$REPLY"
}

# cpu_us PID …  CPU time that these processes have used, all threads.
cpu_us() {
        local pid total=0 line fields ticks
        ticks=$(getconf CLK_TCK)
        for pid; do
                line=$(<"/proc/$pid/stat") || continue
                read -ra fields <<<"${line##*) }"
                total=$((total + (fields[11] + fields[12]) * 1000000 / ticks))
        done 2>/dev/null
        REPLY=$total
}

# postgres_cpu_us  Of all its processes: a process that ends is counted by the first one, which waits for it.
postgres_cpu_us() {
        local first pid total=0 line fields ticks
        ticks=$(getconf CLK_TCK)
        first=$(lab_pid postgres)
        for pid in "$first" $(pgrep -P "$first"); do
                line=$(<"/proc/$pid/stat") || continue
                read -ra fields <<<"${line##*) }"
                total=$((total + (fields[11] + fields[12]) * 1000000 / ticks))
                ((pid != first)) || total=$((total + (fields[13] + fields[14]) * 1000000 / ticks))
        done 2>/dev/null
        REPLY=$total
}

lab_pid() {
        local pid rest
        read -r pid rest <"$LAB/pid/$1" && printf "%s\n" "$pid"
}

# keep NAME VALUE  One more round's value of a figure.
keep() {
        FIGURES[$1]+="$2"$'\n'
}

# median NAME  Of the kept values; REPLY.
median() {
        REPLY=$(printf '%s' "${FIGURES[$1]}" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
}

per() {
        awk -v a="$1" -v b="$2" -v digits="${3:-1}" 'BEGIN { printf("%." digits "f", b > 0 ? a / b : 0) }'
}

# bench_spread NAME  Prints every round's value, for the reader to judge the noise by.
bench_spread() {
        printf '%s by round: %s; load now %s\n' "$1" "$(tr '\n' ' ' <<<"${FIGURES[$1]}")" \
                "$(cut -d ' ' -f 1 /proc/loadavg)"
}

wait_until_gone() {
        local left=300
        while [[ -d /proc/$1 ]] && ((left-- > 0)); do
                read -r -t 0.1 <> <(:) || :
        done
}
