# Looks at a virtualisation host once, with few processes: it runs every few seconds on every host.
#
# $1  the word with which our own lines begin; no other program's output can know it
# $2  the libvirt to ask
# $3  the folder under which system datastores are
# $4  "facts": also what changes rarely
LC_ALL=C
export LC_ALL
mark=$1 uri=$2 datastores=$3 wanted=$4

section() { printf '%s %s\n' "$mark" "$1"; }
v() { virsh -q -c "$uri" "$@" </dev/null; }

command -v virsh >/dev/null || { echo 'no virsh; install libvirt-clients there' >&2; exit 1; }

section cpu
grep '^cpu' /proc/stat || exit

section memory
grep -E '^(MemTotal|MemFree|MemAvailable|Buffers|Cached):' /proc/meminfo || exit

section network
for card in /sys/class/net/*; do
    # guests' cards are theirs; what a bridge carries, its ports have counted
    [ -e "$card/tun_flags" ] || [ -e "$card/bridge" ] && continue
    kind=virtual
    [ -e "$card/device" ] && kind=physical
    rx= tx=
    # a card may go at any moment
    { read -r rx <"$card/statistics/rx_bytes" && read -r tx <"$card/statistics/tx_bytes"; } 2>/dev/null
    [ -n "$tx" ] && printf '%s %s %s %s\n' "${card##*/}" "$kind" "$rx" "$tx"
done

section disk
figures='%S %b %f %a %n'
folder=$datastores
until [ -d "$folder" ]; do folder=${folder%/*} folder=${folder:-/}; done
stat -f -c "$figures" -- "$folder" || exit
set --
for entry in "$datastores"/*/; do
    entry=${entry%/}
    case ${entry##*/} in *[!0-9]*) ;; *) set -- "$@" "$entry" ;; esac
done
# one that is just being removed is no reason to fail
[ $# = 0 ] || stat -f -c "$figures" -- "$@" 2>/dev/null

section clock
cat /proc/sys/kernel/random/boot_id /proc/uptime || exit

# Only what libvirt can say at once: a domain that is being migrated holds nobody up.
for try in 1 2 3; do
    section domains
    v domstats --raw --nowait --state --cpu-total --balloon --interface --block && break
    # a libvirtd that is being restarted is back in a moment
    [ "$try" = 3 ] && exit 1
    sleep 1
done

if [ "$wanted" = facts ]; then
    section machine
    uname -m
    uname -n
    section processor
    grep -m1 '^model name' /proc/cpuinfo
    grep -m1 '^cpu MHz' /proc/cpuinfo
    if [ -r /sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq ]; then
        read -r speed </sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq
        printf 'max kHz : %s\n' "$speed"
    fi
    section programs
    # where those of administrators are that a user's login may not look in
    PATH=$PATH:/usr/sbin:/sbin command -v nft
    section version
    v version
    section capabilities
    v capabilities || exit
    section domain_capabilities
    v domcapabilities
fi
section end
