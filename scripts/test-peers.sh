#!/usr/bin/env bash
# Makes ready what the tests need beside Python: a Docker engine with a small image, PostgreSQL's server programs,
# network namespaces and a few tools. Can be run again at any time; does only what is missing. With the argument
# `image` it only makes the image.
#
# As root on Debian or Ubuntu it installs packages and starts the engine. Elsewhere it says what it could not do,
# and the tests that need it are skipped by name. With CI=true a missing peer is a failure.
set -uo pipefail

IMAGE=infradb-test/busybox:1
ENGINE_LOG=${INFRADB_TEST_ENGINE_LOG:-/var/log/infradb-test-dockerd.log}
ENGINE_WAIT_SECONDS=60
missing=0

ready() { printf '%-20s ready    %s\n' "$1" "${2:-}"; }
lacks() { printf '%-20s missing  %s\n' "$1" "$2"; missing=$((missing + 1)); }

# The server programs of PostgreSQL and sshd are in no user's PATH on Debian.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
has() { command -v "$1" >/dev/null 2>&1; }

postgresql_ctl() {
    if has pg_ctl; then command -v pg_ctl; return; fi
    local found=''
    for found in /usr/lib/postgresql/*/bin/pg_ctl; do :; done
    [ -x "$found" ] && printf '%s\n' "$found"
}

static_busybox() {
    local program
    for program in /usr/bin/busybox /bin/busybox; do
        if [ -x "$program" ] && ! ldd "$program" >/dev/null 2>&1; then printf '%s\n' "$program"; return; fi
    done
    return 1
}

# --- a small image, made here: no registry needed ------------------------------------------------------------------

make_image() {
    local busybox root applet
    busybox=$(static_busybox) || { echo 'busybox-static is not installed'; return 1; }
    root=$(mktemp -d) || return 1
    mkdir -p "$root"/{bin,dev,etc,proc,root,sys,tmp,var}
    chmod 1777 "$root/tmp"
    cp "$busybox" "$root/bin/busybox"
    # One link per applet, so that `docker exec NAME wget …` finds it.
    for applet in $("$busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"; done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    tar -C "$root" --numeric-owner --owner=0 --group=0 -c . |
        docker import --change 'CMD ["sh"]' --change 'ENV PATH=/bin' - "$IMAGE" >/dev/null
    local done=$?
    rm -rf "$root"
    return $done
}

if [ "${1:-}" = image ]; then
    make_image
    exit
fi

# --- packages -------------------------------------------------------------------------------------------------------

wanted=()
has dockerd || docker info >/dev/null 2>&1 || wanted+=(docker.io)
# Where no client came with the engine, Debian keeps it in a package of its own.
if ! has docker && apt-cache show docker-cli >/dev/null 2>&1; then wanted+=(docker-cli); fi
[ -n "$(postgresql_ctl)" ] || wanted+=(postgresql)
static_busybox >/dev/null || wanted+=(busybox-static)
has ip || wanted+=(iproute2)
has sshd || wanted+=(openssh-server)
has ssh || wanted+=(openssh-client)
has dot || wanted+=(graphviz)
has lsblk || wanted+=(util-linux)
has git || wanted+=(git)
has ps || wanted+=(procps)
has sudo || wanted+=(sudo)
has dropbear || wanted+=(dropbear-bin)
has mkfs.ext4 || wanted+=(e2fsprogs)
has docker-compose || wanted+=(docker-compose)
has kea-ctrl-agent || wanted+=(kea-ctrl-agent)
# What the collectors read; `has` is asked for the program that each package is there for.
has nft || wanted+=(nftables)
has iptables || wanted+=(iptables)
has ufw || wanted+=(ufw)
has snmpd || wanted+=(snmpd snmp libsnmp-perl bridge-utils)
has lldpd || wanted+=(lldpd)
has nginx || wanted+=(nginx-light)
has haproxy || wanted+=(haproxy)
has caddy || wanted+=(caddy)
has dnsmasq || wanted+=(dnsmasq-base)
has named || wanted+=(bind9 bind9-dnsutils)
has kea-dhcp4 || wanted+=(kea-dhcp4-server)
has dhcpd || wanted+=(isc-dhcp-server)
has dhclient || wanted+=(isc-dhcp-client)
has pdns_server && [ -e /usr/share/pdns-backend-sqlite3 ] || wanted+=(pdns-server pdns-backend-sqlite3)
has smartctl || wanted+=(smartmontools)
has dmidecode || wanted+=(dmidecode)
has prometheus || wanted+=(prometheus)
has prometheus-node-exporter || wanted+=(prometheus-node-exporter)
has qemu-system-x86_64 || wanted+=(qemu-system-x86)
has cpio || wanted+=(cpio)

POLICY=/usr/sbin/policy-rc.d
NO_CLUSTER=/etc/postgresql-common/createcluster.d/infradb-test.conf

# Tests need programs, not services: nothing that is installed here may start by itself, now or at the next boot.
quietly_install() {
    local log=$1 package own_policy='' done=0
    shift
    export DEBIAN_FRONTEND=noninteractive
    if [ ! -e "$POLICY" ]; then printf '#!/bin/sh\nexit 101\n' >"$POLICY" && chmod +x "$POLICY" && own_policy=yes; fi
    mkdir -p "${NO_CLUSTER%/*}" && echo 'create_main_cluster = false' >"$NO_CLUSTER"

    # One lost package must not keep the others away: first all at once, then each by itself.
    if ! { apt-get update && apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        for package in "$@"; do
            apt-get install -y --no-install-recommends "$package" >"$log" 2>&1 ||
                { echo "apt-get install $package failed:" >&2; tail -n 3 "$log" >&2; done=1; }
        done
    fi

    rm -f "$NO_CLUSTER"
    [ -z "$own_policy" ] || rm -f "$POLICY"
    case " $* " in *' openssh-server '*) ! has systemctl || systemctl disable ssh >/dev/null 2>&1 || true ;; esac
    return $done
}

if [ ${#wanted[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "not root: cannot install ${wanted[*]}" >&2
        echo "  as root: apt-get install --no-install-recommends ${wanted[*]}" >&2
    elif ! has apt-get; then
        echo "no apt-get here: install by hand what provides ${wanted[*]}" >&2
    else
        echo "installing ${wanted[*]}"
        log=$(mktemp)
        quietly_install "$log" "${wanted[@]}"
        rm -f "$log"
    fi
fi

# --- the Docker engine ----------------------------------------------------------------------------------------------

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# A second engine in one network namespace would take the first one's docker0 away, so a running one is waited for.
engine_runs() {
    local process here
    here=$(readlink /proc/self/ns/net)
    for process in $(grep -lsx dockerd /proc/[0-9]*/comm); do
        # Only root may look at others' namespaces; whoever may not cannot start an engine either.
        [ "$(readlink "${process%/comm}/ns/net" 2>/dev/null || echo "$here")" = "$here" ] && return 0
    done
    return 1
}

wait_for_engine() {
    local deadline=$((SECONDS + ENGINE_WAIT_SECONDS))
    while [ $SECONDS -lt $deadline ]; do
        engine_answers && return 0
        engine_runs || return 1
        sleep 0.2
    done
    return 1
}

start_engine() {
    # Detached, so that it outlives this script and whoever called it.
    rm -f /var/run/docker.pid
    setsid nohup dockerd --host unix:///var/run/docker.sock "$@" >>"$ENGINE_LOG" 2>&1 </dev/null &
    local started=$SECONDS
    until engine_runs || [ $((SECONDS - started)) -gt 5 ]; do sleep 0.1; done
    wait_for_engine
}

why_no_engine=''
if ! engine_answers; then
    if ! has dockerd; then why_no_engine='dockerd is not installed'
    elif engine_runs; then wait_for_engine || why_no_engine='dockerd runs, but does not answer (is this user in the group docker?)'
    elif [ -n "${DOCKER_HOST:-}" ]; then why_no_engine="DOCKER_HOST=$DOCKER_HOST does not answer"
    elif [ "$(id -u)" -ne 0 ]; then why_no_engine='no engine answers, and only root may start dockerd'
    else
        if [ "$(cat /proc/1/comm 2>/dev/null)" = systemd ]; then
            systemctl start docker >/dev/null 2>&1 || true
            engine_runs && wait_for_engine
        fi
        engine_answers || start_engine || start_engine --storage-driver=vfs ||
            why_no_engine="dockerd does not start: $(tail -n 1 "$ENGINE_LOG" 2>/dev/null | cut -c1-200)"
    fi
fi
if [ -z "$why_no_engine" ] && engine_answers; then
    ready docker "engine $(docker version --format '{{.Server.Version}}')"
else
    lacks docker "${why_no_engine:-no engine answers}"
fi

# --- the image -------------------------------------------------------------------------------------------------------

if ! engine_answers; then
    lacks busybox-image 'needs the Docker engine'
elif docker image inspect "$IMAGE" >/dev/null 2>&1; then
    ready busybox-image "$IMAGE"
elif why=$(make_image 2>&1); then
    ready busybox-image "$IMAGE"
else
    lacks busybox-image "${why:-docker import failed}"
fi

# --- PostgreSQL: the tests start a cluster of their own ------------------------------------------------------------

ctl=$(postgresql_ctl)
if [ -z "$ctl" ]; then
    lacks postgresql 'pg_ctl is neither on PATH nor in /usr/lib/postgresql/*/bin'
elif [ "$(id -u)" -eq 0 ] && ! id postgres >/dev/null 2>&1; then
    lacks postgresql 'root may not run it, and there is no user postgres'
else
    ready postgresql "$("$ctl" --version)"
fi

# --- network namespaces --------------------------------------------------------------------------------------------

probe=infradb-probe-$$
if ! has ip; then
    lacks netns 'ip (iproute2) is not installed'
elif [ "$(id -u)" -ne 0 ]; then
    lacks netns 'only root may make network namespaces'
elif why=$({ ip netns add "$probe" && ip -n "$probe" link set lo up; } 2>&1); then
    ip netns del "$probe"
    ready netns "$(ip -V 2>&1)"
else
    ip netns del "$probe" 2>/dev/null
    lacks netns "$why"
fi

# --- tools ---------------------------------------------------------------------------------------------------------

for tool in sshd dot lsblk git ps nft iptables ufw snmpd lldpd nginx haproxy caddy dnsmasq named kea-dhcp4 dhcpd dhclient \
    pdns_server smartctl prometheus prometheus-node-exporter qemu-system-x86_64 debootstrap; do
    if has "$tool"; then ready "$tool" "$(command -v "$tool")"; else lacks "$tool" 'not installed'; fi
done

if [ "$missing" -gt 0 ]; then
    echo "$missing missing: the tests that need them are skipped" >&2
    if [ "${CI:-}" = true ]; then
        echo 'CI=true: a missing peer is a failure' >&2
        exit 1
    fi
fi
