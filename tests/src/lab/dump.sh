# Prints what is comparable, one fact a line, under "== section" headings.
# $1: "network" for the network namespace it runs in, "machine" for the mounts and what is in them,
# "pinned" for the BPF objects there.
set -eu
section() { printf '== %s\n' "$1"; }

# Whether the kernel has still to follow a change: it tells of a carrier up to a second later, and
# takes another to try an IPv6 address, which has a route of its own from then on.
unsettled() {
    ip -o link show | grep -q 'NO-CARRIER.*LOWER_UP' || ip -6 -o addr show tentative | grep -q .
}

network() {
    while unsettled; do sleep 0.1; done
    section links; ip -o -d link show
    section addresses; ip -o addr show
    section routes; ip -N -d route show table all
    section rules; ip -N rule show; ip -6 -N rule show
    section neighbours; ip neigh show nud permanent; ip neigh show proxy
    # What the kernel learns comes and goes: no age, and nothing that is unresolved or NOARP.
    ip neigh show | sed -nE 's/ (REACHABLE|STALE|DELAY|PROBE)$/ learnt/p'
    section qdiscs; tc qdisc show
    # A key that cannot be read (write-only, or a secret not set) shows as its error, and grep ends in 2.
    section sysctls; grep -r '' /proc/sys/net 2>&1 || [ $? = 2 ]
}

machine() {
    section 'named namespaces'
    if [ -d /run/netns ]; then
        find /run/netns -mindepth 1 | while read -r file; do
            case $(stat --file-system --format=%T "$file") in
                nsfs) echo "$file namespace $(stat --format=%i "$file")" ;;
                *) echo "$file file: $(head -c 200 "$file")" ;;
            esac
        done
    fi
    # Without mount and peer-group numbers, which are given anew.
    section mounts
    sed -E 's/^[0-9]+ [0-9]+ [0-9:]+ //; s/ (shared|master|propagate_from):[0-9]+//g' \
        /proc/self/mountinfo
    section 'BPF file system'; find /sys/fs/bpf -mindepth 1 -printf '%y %m %p\n'
}

# One a line: kind and JSON of each pinned object. Pin by pin, because a list of all objects fails
# when one of them, maybe of another node, is just being made.
pinned() {
    find /sys/fs/bpf -type f | while read -r pin; do
        for kind in prog map link; do
            if json=$(bpftool --json "$kind" show pinned "$pin" 2>&1); then break; fi
        done
        echo "$kind $pin $json"
    done
}

"$1"
