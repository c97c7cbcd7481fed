# Makes a fresh pair of network and mount namespaces into a node. $1: "bpffs" to mount one.
set -eu
mount -t proc proc /proc
# sysfs and bpffs show the network namespace, and the pins, of whoever mounts them.
mount -t sysfs sysfs /sys
# /run/netns/NAME must never meet the machine's own, or another node's.
mount -t tmpfs -o mode=0755 tmpfs /run
# A mount on itself, as `ip netns add` makes it the first time.
mkdir /run/netns
mount --bind --make-shared /run/netns /run/netns
if [ "$1" = bpffs ]; then mount -t bpf bpf /sys/fs/bpf; fi
ip link set lo up

# A fresh namespace inherits the machine's IPv4 settings: give it the kernel's defaults.
set_to() { echo "$1" >"/proc/sys/net/$2"; }
set_to 0 ipv4/ip_forward # resets every device's forwarding
for device in all default lo; do
    conf=ipv4/conf/$device
    for key in accept_local arp_accept arp_announce arp_filter arp_ignore arp_notify \
        drop_gratuitous_arp forwarding log_martians proxy_arp proxy_arp_pvlan \
        route_localnet rp_filter src_valid_mark; do
        set_to 0 $conf/$key
    done
    for key in accept_redirects secure_redirects send_redirects shared_media; do
        set_to 1 $conf/$key
    done
done
# No limit on ICMP errors, or comparisons flake.
set_to 0 ipv4/icmp_ratelimit
for key in icmp_msgs_per_sec icmp_msgs_burst; do
    # Older kernels have these for the whole machine only: not a node's to change.
    if [ -e /proc/sys/net/ipv4/$key ]; then set_to 1000000 ipv4/$key; fi
done
