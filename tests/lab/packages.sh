#!/usr/bin/env bash
# Installs what is missing from Debian's packages, on Debian 12 and 13, as root or through sudo.
#
#     tests/lab/packages.sh run|build|test …
#
# Promises: nothing is started (a policy-rc.d says so while apt runs; one that was there before is put back), nothing
# that was there is changed, no PostgreSQL cluster is created, and the servers that we install are not enabled at boot
# (`systemctl enable --now NAME` or `update-rc.d NAME enable` gives them back). When everything is there, this takes
# milliseconds and needs no rights.
#
# pgvector is packaged for Debian 13; for Debian 12 its source package is built once against PostgreSQL 15, as a package
# of its own, so that dpkg knows its files.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${AIOX_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/aiox}
: "${STEP_LOG:=$cache/packages.log}"
mkdir -p "$cache"
# shellcheck source=tests/lab/steps.sh
. "$here/steps.sh"
# shellcheck source=/dev/null
. "${AIOX_OS_RELEASE:-/etc/os-release}"

case ${VERSION_ID:-} in
12) postgresql=15 ;;
13) postgresql=17 ;;
*) die "this is ${PRETTY_NAME:-an unknown system}; Debian 12 and 13 are supported" ;;
esac

# NAME, or COMMAND=NAME where the command may come from elsewhere.
run_packages=(ca-certificates curl openssl procps "postgresql-$postgresql" "postgresql-$postgresql-pgvector"
        redis-server ejabberd erlang-p1-pgsql tzdata)
build_packages=(gcc libc6-dev meson ninja-build pkg-config libexpat1-dev libpq-dev libhiredis-dev
        libcurl4-openssl-dev libmicrohttpd-dev libjansson-dev libyaml-dev libsodium-dev libssl-dev libidn-dev
        libutf8proc-dev libpcre2-dev libexttextcat-dev libexttextcat-data libstrophe-dev libmd4c-dev libglib2.0-dev
        libseccomp-dev check libsubunit-dev)
test_packages=(clang libclang-rt-dev clang-tidy clang-format clang-tools cppcheck gcovr python3
        python3-slixmpp python3-psycopg2 bubblewrap jq shellcheck universal-ctags node=nodejs npm=npm
        profanity tmux chromium)

# Servers that a package would enable at boot, by the package.
declare -A services=([redis-server]=redis-server [ejabberd]=ejabberd [erlang-base]=epmd
        ["postgresql-$postgresql"]=postgresql)

as_root() {
        if ((EUID == 0)); then
                "$@"
        else
                sudo "$@"
        fi
}

installed() {
        local name
        declare -gA present=()
        (($#)) || return 0
        while read -r name; do
                present[${name%%:*}]=1
        done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
}

collect_missing() {
        local group entry list=()
        for group in "$@"; do
                declare -n packages="${group}_packages"
                for entry in "${packages[@]}"; do
                        [[ $entry == *=* ]] && command -v "${entry%%=*}" >/dev/null && continue
                        list+=("${entry#*=}")
                done
        done
        installed "${list[@]}"
        missing=()
        for entry in "${list[@]}"; do
                [[ -n ${present[$entry]:-} ]] || missing+=("$entry")
        done
}

# --- keep apt from starting or creating anything ------------------------------------------------------------------

policy=/usr/sbin/policy-rc.d
saved=$policy.before-aiox
cluster_rule=/etc/postgresql-common/createcluster.d/aiox.conf

# Undoes hold_services; also undoes what an earlier run left that was killed in between.
release_services() {
        if as_root test -e "$saved" -o -L "$saved"; then
                as_root mv -f "$saved" "$policy"
        elif as_root grep -qs '^# aiox: nothing starts' "$policy"; then
                as_root rm -f "$policy"
        fi
        as_root rm -f "$cluster_rule"
        as_root rmdir --ignore-fail-on-non-empty "${cluster_rule%/*}" 2>/dev/null || :
        as_root rmdir --ignore-fail-on-non-empty /etc/postgresql-common 2>/dev/null || :
}

hold_services() {
        release_services
        if as_root test -e "$policy" -o -L "$policy"; then
                as_root mv "$policy" "$saved"
        fi
        printf '#!/bin/sh\n# aiox: nothing starts while packages are installed\nexit 101\n' |
                as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        as_root mkdir -p "${cluster_rule%/*}"
        printf 'create_main_cluster = false\n' | as_root tee "$cluster_rule" >/dev/null
}

# disable_services PACKAGE…  For packages that were not there before.
disable_services() {
        local package name
        for package in "$@"; do
                name=${services[$package]}
                [[ ! -x /etc/init.d/$name ]] || as_root update-rc.d "$name" disable || :
                # Also where systemd is not there yet.
                as_root env DPKG_MAINTSCRIPT_PACKAGE="$package" deb-systemd-helper disable "$name.service" || :
                [[ $name != epmd ]] ||
                        as_root env DPKG_MAINTSCRIPT_PACKAGE="$package" deb-systemd-helper disable epmd.socket || :
        done
}

apt() {
        as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y \
                -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# A package source that is down must not matter when Debian's own answers: what is missing then fails by name.
update_lists() {
        apt update || :
}

install_packages() {
        local package new=()
        installed "${!services[@]}"
        for package in "${!services[@]}"; do
                [[ -n ${present[$package]:-} ]] || new+=("$package")
        done
        hold_services
        apt install --no-install-recommends "$@"
        installed "${new[@]}"
        disable_services "${!present[@]}"
        release_services
}

# --- pgvector for Debian 12 ---------------------------------------------------------------------------------------

pgvector_package() {
        REPLY=$cache/postgresql-15-pgvector_$(dpkg --print-architecture).deb
}

# The machine's own Debian mirror, as apt knows it: the first one that carries bookworm's main.
debian_mirror() {
        REPLY=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
                awk '($2 == "bookworm" || $2 == "stable") && $3 == "main" { print $1; exit }')
        [[ -n $REPLY ]] || die "apt knows no mirror with Debian 12's main; pgvector's source comes from there"
}

fetch_pgvector() {
        local work=$1 mirror
        debian_mirror
        mirror=$REPLY
        mkdir -p "$work"/{state/lists/partial,cache/archives/partial,parts,source}
        printf 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$mirror" \
                >"$work/sources.list"
        local private=(-o "Dir::Etc::SourceList=$work/sources.list" -o "Dir::Etc::SourceParts=$work/parts"
                -o "Dir::State=$work/state" -o "Dir::State::Lists=$work/state/lists" -o "Dir::Cache=$work/cache"
                -o APT::Sandbox::User=)
        apt-get -q "${private[@]}" update
        (cd "$work/source" && apt-get -q "${private[@]}" source --download-only pgvector)
        mkdir "$work/build"
        tar -xzf "$work"/source/pgvector_*.orig.tar.gz -C "$work/build" --strip-components=1
        # Only its headers are wanted; the package itself would bring in two compilers.
        (cd "$work" && apt-get -q -o APT::Sandbox::User= download postgresql-server-dev-15)
        dpkg-deb -x "$work"/postgresql-server-dev-15_*.deb "$work/server"
}

build_pgvector() {
        local work=$1 package=$2 version root=$1/package
        version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$work/build/vector.control")
        mkdir -p "$root/DEBIAN" "$root/usr/lib/postgresql/15/lib" "$root/usr/share/postgresql/15/extension" \
                "$root/usr/share/doc/postgresql-15-pgvector"
        local source objects=()
        for source in "$work"/build/src/*.c; do
                objects+=("${source%.c}.o")
                gcc -O2 -fPIC -fno-strict-aliasing -fwrapv -w \
                        -ftree-vectorize -fassociative-math -fno-signed-zeros -fno-trapping-math \
                        -I"$work/server/usr/include/postgresql/15/server" -I/usr/include/postgresql \
                        -c "$source" -o "${source%.c}.o"
        done
        gcc -shared -Wl,-z,relro -Wl,-z,now -o "$root/usr/lib/postgresql/15/lib/vector.so" "${objects[@]}" -lm
        cp "$work/build/vector.control" "$work"/build/sql/vector--*--*.sql "$root/usr/share/postgresql/15/extension/"
        cp "$work/build/sql/vector.sql" "$root/usr/share/postgresql/15/extension/vector--$version.sql"
        cp "$work/build/LICENSE" "$root/usr/share/doc/postgresql-15-pgvector/copyright"
        cat >"$root/DEBIAN/control" <<-END
		Package: postgresql-15-pgvector
		Version: $version-0aiox
		Architecture: $(dpkg --print-architecture)
		Maintainer: built on this machine
		Depends: postgresql-15, libc6
		Section: database
		Priority: optional
		Description: Vector data type for PostgreSQL 15, built from Debian 13's source package
	END
        chmod -R u=rwX,go=rX "$root"
        dpkg-deb --root-owner-group --build "$root" "$package.new"
        mv "$package.new" "$package"
}

make_pgvector() {
        local package=$1 work
        work=$(mktemp -d)
        pgvector_work=$work
        fetch_pgvector "$work"
        build_pgvector "$work" "$package"
        rm -rf "$work"
        pgvector_work=
}

install_pgvector() {
        if [[ -n $(apt-cache madison postgresql-15-pgvector) ]]; then
                step "Installing pgvector" install_packages postgresql-15-pgvector
                return
        fi
        local package
        pgvector_package
        package=$REPLY
        if [[ ! -s $package ]]; then
                step "Building pgvector for PostgreSQL 15" make_pgvector "$package"
        fi
        step "Installing pgvector" as_root dpkg -i "$package"
}

# --- main ---------------------------------------------------------------------------------------------------------

pgvector_work=
held=
cleanup() {
        local status=$?
        [[ -n $held ]] && release_services >>"$STEP_LOG" 2>&1
        [[ -n $pgvector_work ]] && rm -rf "$pgvector_work"
        step_failed
        exit "$status"
}

main() {
        (($#)) || set -- run
        local group wanted=() built=
        for group in "$@"; do
                case $group in
                run | build | test) ;;
                *) die "unknown list '$group'; there are run, build and test" ;;
                esac
        done
        collect_missing "$@"
        ((${#missing[@]})) || return 0

        ((EUID == 0)) || command -v sudo >/dev/null ||
                die "these packages are missing, and there is no sudo to install them with: ${missing[*]}"
        for group in "${missing[@]}"; do
                if [[ $group == postgresql-15-pgvector ]]; then
                        built=1
                else
                        wanted+=("$group")
                fi
        done
        # pgvector is compiled here.
        if [[ -n $built ]]; then
                installed gcc libc6-dev libpq-dev
                for group in gcc libc6-dev libpq-dev; do
                        [[ -n ${present[$group]:-} || " ${wanted[*]} " == *" $group "* ]] || wanted+=("$group")
                done
        fi

        exec {lock}>"$cache/packages.lock"
        flock "$lock"
        : >"$STEP_LOG"
        held=1
        ((EUID == 0)) || sudo -v
        step "Reading the lists of packages" update_lists
        if ((${#wanted[@]})); then
                step "Installing ${#wanted[@]} packages and what they need" install_packages "${wanted[@]}"
        fi
        [[ -z $built ]] || install_pgvector
}

trap cleanup EXIT
trap 'exit 130' INT TERM HUP
main "$@"
