# shellcheck shell=bash
# A stack: the private folder in which servers live, its secrets, the ports that are its own, and the unprivileged users
# that its servers run as. Not the servers. To be sourced by servers.sh.
#
# The folder holds: state (shell assignments: ports and names), secrets/, run/ (sockets), log/, pid/ and one data folder
# per server.

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
        [[ -z ${STACK_LOCK:-} ]] || return 0
        exec {STACK_LOCK}>"$STACK/lock"
        flock -w 120 "$STACK_LOCK" || die "another command has worked on $STACK for two minutes"
}

stack_unlock() {
        exec {STACK_LOCK}>&-
        STACK_LOCK=
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

# --- ports -------------------------------------------------------------------------------------------------------- A
# port is reserved in a folder all stacks of this user share, as long as its stack remembers it, so that stacks side
# by side never get in each other's way, also while a server is down.

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
# A stack may lie where others may not look, below /root for instance. The server then gets a mount namespace in which
# the closed folder holds nothing but the way to the stack; where mounting is forbidden, it keeps one right to pass
# through.
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
                [[ -n $way ]] ||
                        die "the user $user cannot reach $STACK; choose a folder others may pass, as in /var/tmp"
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
