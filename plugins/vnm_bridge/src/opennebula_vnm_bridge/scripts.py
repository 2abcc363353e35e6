"""What runs on the hosts; the first argument is ``sudo`` or ``plain``.

For bridges the bridge follows, and the physical interface or nothing. For filters it is the guest's
interface, and ``there`` if nothing is to be done where the host has no such interface; the transaction is
the input.
"""

from __future__ import annotations

MARK = "one-bridge"
"""Alias of the bridges that this driver made."""

_SHELL = """set -eu
mode=$1
as_root() {
    if [ "$mode" = sudo ] && [ "$(id -u)" -ne 0 ]; then sudo -n "$@"; else "$@"; fi
}
refuse() { echo "$*" >&2; exit 1; }
"""
_LOCK = """
# Two guests that come and go at once must not take a bridge from under each other. A lock on a folder of the
# system needs no file of ours, and is the same for whichever user and driver process comes.
exec 9</sys/class/net
flock -w 30 9 || refuse "another command has held the lock on /sys/class/net for 30 s; see what hangs"
cd /sys/class/net
"""
_HEAD = f"{_SHELL}bridge=$2 device=$3 mark={MARK}\n{_LOCK}"

MAKE_BRIDGE = (
    _HEAD
    + """
if [ ! -e "$bridge" ]; then
    as_root ip link add name "$bridge" type bridge
    as_root ip link set dev "$bridge" alias "$mark"
fi
[ -d "$bridge/bridge" ] || refuse "$bridge is there and is no bridge; name another one in the network"
[ $(($(cat "$bridge/flags") & 1)) -eq 1 ] || as_root ip link set dev "$bridge" up
[ -n "$device" ] && [ ! -e "$bridge/brif/$device" ] || exit 0
[ -e "$device" ] || refuse "the host has no interface $device; correct PHYDEV of the network"
# Taking it from another bridge would cut off everybody on that one.
[ ! -e "$device/master" ] || refuse "$device is in $(basename "$(readlink "$device/master")") already"
as_root ip link set dev "$device" master "$bridge"
as_root ip link set dev "$device" up
"""
)

CLEAN_BRIDGE = (
    _HEAD
    + """
[ -d "$bridge/bridge" ] || exit 0
[ "$(cat "$bridge/ifalias")" = "$mark" ] || exit 0
for port in "$bridge/brif"/*; do
    [ -e "$port" ] || continue
    [ "$(basename "$port")" = "$device" ] || exit 0
done
# Somebody has given the host an address in this network.
[ -z "$(ip -o address show dev "$bridge" scope global)" ] || exit 0
as_root ip link del dev "$bridge"
"""
)

_INPUT = """
# Before the lock: whoever is given up while the input is on its way must not hold it.
transaction=$(cat)
"""
_FILTER = f"{_SHELL}interface=$2 where=${{3:-}}\nPATH=$PATH:/usr/sbin:/sbin\n{_INPUT}{_LOCK}"

INSTALL_FILTER = (
    _FILTER
    + """
[ -z "$where" ] || [ -e "$interface" ] || exit 0
command -v nft >/dev/null ||
    refuse "the host has no nft, which rules of security groups need; install nftables there"
printf '%s\n' "$transaction" | as_root nft -f -
"""
)

REMOVE_FILTER = (
    _FILTER
    + """
command -v nft >/dev/null || exit 0
as_root nft list chain bridge opennebula "nic-$interface-inbound" >/dev/null 2>&1 </dev/null || exit 0
printf '%s\n' "$transaction" | as_root nft -f -
"""
)
