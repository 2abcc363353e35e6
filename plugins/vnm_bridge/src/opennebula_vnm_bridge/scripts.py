"""What runs on the hosts. Arguments: ``sudo`` or ``plain``, the bridge, the physical interface or nothing."""

from __future__ import annotations

MARK = "one-bridge"
"""Alias of the bridges that this driver made."""

_HEAD = f"""set -eu
mode=$1 bridge=$2 device=$3 mark={MARK}
as_root() {{
    if [ "$mode" = sudo ] && [ "$(id -u)" -ne 0 ]; then sudo -n "$@"; else "$@"; fi
}}
# Two guests that come and go at once must not take a bridge from under each other.
exec 9>"/tmp/one-bridge-$(id -u)-$bridge.lock"
flock -w 30 9
"""

MAKE_BRIDGE = (
    _HEAD
    + """
if ! ip link show dev "$bridge" >/dev/null 2>&1; then
    as_root ip link add name "$bridge" type bridge
    as_root ip link set dev "$bridge" alias "$mark"
fi
if [ ! -d "/sys/class/net/$bridge/bridge" ]; then
    echo "$bridge is there and is no bridge; name another one in the network" >&2
    exit 1
fi
as_root ip link set dev "$bridge" up
if [ -n "$device" ] && [ ! -e "/sys/class/net/$bridge/brif/$device" ]; then
    as_root ip link set dev "$device" master "$bridge"
    as_root ip link set dev "$device" up
fi
"""
)

CLEAN_BRIDGE = (
    _HEAD
    + """
[ -d "/sys/class/net/$bridge/bridge" ] || exit 0
[ "$(cat "/sys/class/net/$bridge/ifalias")" = "$mark" ] || exit 0
for port in "/sys/class/net/$bridge/brif"/*; do
    [ -e "$port" ] || continue
    [ "$(basename "$port")" = "$device" ] || exit 0
done
as_root ip link del dev "$bridge"
"""
)
