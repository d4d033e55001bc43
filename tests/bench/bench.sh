# shellcheck shell=bash
# What the benches have in common: labs, arms, CPU time of processes, medians. To be sourced.
#
# Arms are played in turn, round by round, against servers that stay up, so that what disturbs the machine disturbs all
# of them; a figure is the median over rounds of each arm's own. CPU time is read from /proc before and after a round.

repository=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." && pwd)
lab=$repository/tests/lab/lab
build=${AIOX_BUILD:-$repository/build}
export AIOX_BUILD=$build INITDB_OPTIONS=--no-sync

declare -A PLAY_IN=() PLAY_OUT=() PLAY_PID=() FIGURES=()
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

# table WIDTH …  Sets the widths of what row prints: the first is of words, the others of figures.
table() {
        WIDTHS=("$@")
}

row() {
        local number=0 value
        for value; do
                ((number)) && printf ' %*s' "${WIDTHS[number]}" "$value" || printf '%-*s' "${WIDTHS[0]}" "$value"
                number=$((number + 1))
        done
        printf '\n'
}

# lab_up [OPTION …]  A lab with the public agent echo@$AGENTS_DOMAIN.
lab_up() {
        "$lab" up "$LAB" "$@" >&2
        eval "$("$lab" env "$LAB")"
        aiox member add "$ACCOUNT_JID" --role owner >/dev/null
        aiox agent create echo --owner "$ACCOUNT_JID" --visibility public --model builtin/echo --memory none >/dev/null
        (umask 077 && printf '%s' "$COMPONENT_SECRET" >"$FOLDER/secret")
}

# play NAME PORT [DOMAIN]  Starts a scripted server, or with DOMAIN that component of the server at PORT, which is then
# told things by `tell NAME LINE`.
play() {
        local name=$1 in out
        mkfifo "$FOLDER/$name.in" "$FOLDER/$name.out"
        "$build/tests/xmpp-play" "127.0.0.1:$2" "$FOLDER/secret" "${@:3}" <"$FOLDER/$name.in" >"$FOLDER/$name.out" &
        PIDS+=($!)
        PLAY_PID[$name]=$!
        exec {in}>"$FOLDER/$name.in" {out}<"$FOLDER/$name.out"
        PLAY_IN[$name]=$in PLAY_OUT[$name]=$out
        read -r -u "$out" REPLY
}

# tell NAME LINE  Sets REPLY to what the scripted server answers; false when that did not succeed.
tell() {
        printf '%s\n' "$2" >&"${PLAY_IN[$1]}"
        read -r -t 900 -u "${PLAY_OUT[$1]}" REPLY && [[ $REPLY == *'"done":true'* ]] && return
        bench_say "$1: $2: $REPLY"
        return 1
}

# pour NAME LOAD…  Plays a load to its end; `figure` then asks for its figures. What is lost or answered twice fails the
# bench.
pour() {
        bench_play load "$@"
}

# ask NAME AGENT RATE SECONDS [SENDERS [MOST]]  The same with questions of service discovery.
ask() {
        bench_play ask "$@"
}

bench_play() {
        local what=$1 name=$2
        shift 2
        tell "$name" "$what $*"
        tell "$name" "wait 600"
        figures "$name"
        [[ $(figure '.unsent + .unanswered + .unreceipted + .under_two_ids') == 0 ]] ||
                { bench_say "$name: $LOAD" && return 1; }
}

# figures NAME  Asks for the figures of the load that was played last; figure EXPRESSION  gives one of them.
figures() {
        tell "$1" figures
        LOAD=$(jq .load <<<"$REPLY")
}

figure() {
        jq -r "$1" <<<"$LOAD"
}

# nothing NAME PORT [DOMAIN]  The component that does nothing but answer.
nothing() {
        "$build/tests/xmpp-nothing" "127.0.0.1:$2" "${3:-$AGENTS_DOMAIN}" "$FOLDER/secret" >"$FOLDER/$1.nothing" 2>&1 &
        PIDS+=($!)
        NOTHING_PID=$!
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

# cpu_begin ARM PID …   cpu_end ARM MESSAGES   What a round costs in CPU time, per message: of the processes given (kept
# as ARM.hub), of PostgreSQL, Redis and, where there is one, ejabberd.
cpu_begin() {
        local arm=$1
        CPU_PIDS=("${@:2}")
        cpu_read
        CPU_BEFORE=("${CPU_NOW[@]}")
}

cpu_read() {
        CPU_NOW=()
        cpu_us "${CPU_PIDS[@]}" && CPU_NOW+=("$REPLY")
        postgres_cpu_us && CPU_NOW+=("$REPLY")
        cpu_us "$(lab_pid redis)" && CPU_NOW+=("$REPLY")
        if [[ -f $LAB/pid/ejabberd_1 ]]; then
                cpu_us "$(lab_pid ejabberd_1)" && CPU_NOW+=("$REPLY")
        fi
}

cpu_end() {
        local arm=$1 messages=$2 names=(hub postgres redis ejabberd) i
        cpu_read
        for i in "${!CPU_NOW[@]}"; do
                keep "$arm.${names[i]}" "$(per $((CPU_NOW[i] - CPU_BEFORE[i])) "$messages")"
        done
}

# memory_of PID  Resident memory now and at most, in MB.
memory_of() {
        awk '/^VmRSS/ { now = $2 } /^VmHWM/ { most = $2 } END { printf("%.1f %.1f\n", now / 1024, most / 1024) }' \
                "/proc/$1/status"
}

# switches_of PID  Context switches of all its threads so far, of their own will or not.
switches_of() {
        cat "/proc/$1/task/"*/status | awk '/ctxt_switches/ { sum += $2 } END { print sum }'
}

# age_ms PID  How long ago the process was started.
age_ms() {
        local line fields
        line=$(<"/proc/$1/stat")
        read -ra fields <<<"${line##*) }"
        REPLY=$(awk -v started="${fields[19]}" -v ticks="$(getconf CLK_TCK)" \
                '{ printf("%d", ($1 - started / ticks) * 1000) }' /proc/uptime)
}

# hub_again  Stops the hub in good order and starts it again; does not wait until it is up.
hub_again() {
        "$lab" kill "$LAB" hub TERM
        wait_until_gone "$(lab_pid hub_1)"
        "$lab" start "$LAB" hub >&2 &
        HUB_STARTER=$!
}

# many_agents NAME COUNT  Public agents NAME0 … of echo's owner, with builtin/echo and no memory, written as rows: a hub
# that runs sees them within a second or two.
many_agents() {
        psql -qX -v ON_ERROR_STOP=1 -v name="$1" -v count="$2" <<'EOF'
BEGIN;
SELECT set_config('aiox.tenant', 'a10c0000-0000-4000-8000-000000000000', true) \g /dev/null
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT gen_random_uuid() AS id, gen_random_uuid() AS version, :'name' || number AS name,
       (SELECT owner_id FROM agents WHERE name = 'echo') AS owner
FROM generate_series(0, :count - 1) AS number;
INSERT INTO agents (tenant_id, id, name, owner_id, visibility, version_id)
SELECT current_tenant(), id, name, owner, 'public', version FROM made;
INSERT INTO agent_versions (tenant_id, id, agent_id, number, owner_id, name, model, memory, policy_hash)
SELECT current_tenant(), version, id, 1, owner, name, 'builtin/echo', '{"type": "none"}', sha256(name::bytea) FROM made;
COMMIT;
ANALYZE agents, agent_versions;
EOF
}

# keep NAME VALUE  One more round's value of a figure.
keep() {
        FIGURES[$1]+="$2"$'\n'
}

# last NAME  The value kept last.
last() {
        tail -n 1 <<<"${FIGURES[$1]%$'\n'}"
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
