"""Real packets through the filters: a guest's end and another machine's, plugged into a bridge of the lab."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Template, Vector
from opennebula_core.testing.drivers import make_guest
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_vnm_bridge import BridgeDriver

pytestmark = pytest.mark.integration

GUEST, PEER, HOST = "10.66.0.1", "10.66.0.2", "10.66.0.254"
GUEST6, PEER6 = "2001:db8:66::1", "2001:db8:66::2"
MAC, PEER_MAC = "02:00:0a:42:00:01", "02:00:0a:42:00:02"
INTERFACE = "one-7-0"

ENDS = f"""set -e
mkdir -p /run/netns
ip link add testbr type bridge && ip link set testbr up && ip addr add {HOST}/24 dev testbr
plug() {{
    ip netns add "$1"
    ip link add "$2" type veth peer name eth0 address "$3" netns "$1"
    ip link set "$2" master testbr up
    ip -n "$1" addr add "$4/24" dev eth0
    ip -n "$1" addr add "$5/64" dev eth0 nodad
    ip -n "$1" link set eth0 up
    ip -n "$1" link set lo up
}}
plug guest {INTERFACE} {MAC} {GUEST} {GUEST6}
plug peer testpeer {PEER_MAC} {PEER} {PEER6}
"""
NO_ENDS = (
    "ip netns del guest; ip netns del peer; ip link del testpeer; ip link del testbr; ip link del one-7-0"
)

ANSWERING = """
import select, socket, sys
kept = []
for port in (22, 80, 92, 8080):
    kept.append(socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True))
for port in (53, 54):
    kept.append(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    kept[-1].bind(("::", port))
print("ready", flush=True)
while True:
    for ready in select.select([*kept, sys.stdin], [], [])[0]:
        if ready is sys.stdin:
            sys.exit()  # who asked for this program has ended it
        if ready.type == socket.SOCK_STREAM and ready in kept[:4]:
            kept.append(ready.accept()[0])
            kept[-1].sendall(b"hello")
        elif ready.type == socket.SOCK_DGRAM:
            ready.sendto(*ready.recvfrom(99))
        elif not ready.recv(99):
            kept.remove(ready)
"""
ASKING = """
import json, socket, subprocess, sys
from concurrent.futures import ThreadPoolExecutor

def reaches(probe):
    kind, _, rest = probe.partition(" ")
    address, _, port = rest.partition(" ")
    if kind == "ping":
        return not subprocess.run(["ping", "-c1", "-W1", address], stdout=subprocess.DEVNULL).returncode
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as end:
        end.settimeout(1.2)
        try:
            end.connect((address, int(port)))
            if kind == "udp":
                end.send(b"hello")
            return end.recv(9) == b"hello"
        except OSError:
            return False

with ThreadPoolExecutor(32) as pool:
    print(json.dumps([probe for probe, ok in zip(sys.argv[1:], pool.map(reaches, sys.argv[1:])) if ok]))
"""


def nic(**more: str) -> Vector:
    return Vector(
        {
            "NIC_ID": "0", "NETWORK_ID": "3", "BRIDGE": "testbr", "TARGET": INTERFACE, "MAC": MAC,
            "IP": GUEST, "IP6_GLOBAL": GUEST6, "SECURITY_GROUPS": "0,100", **more,
        }
    )  # fmt: skip


def guest_with(*rules: str) -> Guest:
    vectors = [f'SECURITY_GROUP_RULE=[SECURITY_GROUP_ID="100",{rule}]' for rule in rules]
    other = 'SECURITY_GROUP_RULE=[SECURITY_GROUP_ID="101",PROTOCOL="ALL",RULE_TYPE="inbound"]'
    guest = make_guest("host1", template="\n".join((*vectors, other)))
    assert isinstance(guest.template, Template)
    return guest


@pytest.fixture
async def driver(front_end_network: Lab) -> AsyncIterator[BridgeDriver]:
    reach = {"ssh_config": str(front_end_network.front_end_ssh_config)}
    made = BridgeDriver(DriverContext("bridge", Path("/"), reach))
    yield made
    await made.close()


@pytest.fixture
def ends(front_end_network: Lab) -> Iterator[Lab]:
    """Give a host with both ends on a bridge, each of which answers."""
    lab = front_end_network
    lab.exec("host1", ["sh", "-c", ENDS])
    answering = []
    try:
        for name in ("guest", "peer"):
            argv = ["ip", "netns", "exec", name, "python3", "-c", ANSWERING]
            answering.append(lab.popen("host1", argv))
            said = answering[-1].stdout
            assert said is not None
            assert said.readline().strip() == b"ready"
        yield lab
    finally:
        for process in answering:
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()
            process.wait()
        lab.try_exec("host1", ["sh", "-c", f"{NO_ENDS}; nft flush ruleset"])


def reached(lab: Lab, place: str, *probes: str) -> list[str]:
    """Return those of the probes that are answered; ``place`` is a namespace, or the host itself."""
    inside = [] if place == "host" else ["ip", "netns", "exec", place]
    found = json.loads(lab.exec("host1", [*inside, "python3", "-c", ASKING, *probes]))
    assert isinstance(found, list)
    return found


IN = (f"tcp {GUEST} 80", f"tcp {GUEST6} 92", f"ping {GUEST}", f"udp {GUEST} 53")
IN_CLOSED = (f"tcp {GUEST} 22", f"tcp {GUEST6} 22", f"ping {GUEST6}", f"udp {GUEST} 54", f"udp {GUEST6} 53")
OUT = (f"tcp {PEER} 8080", f"tcp {PEER6} 8080")
OUT_CLOSED = (f"tcp {PEER} 80", f"ping {PEER}", f"udp {PEER} 53", f"ping {PEER6}", f"ping {HOST}")
RULES = (
    'PROTOCOL="TCP",RULE_TYPE="inbound",RANGE="80,90:95"',
    'PROTOCOL="ICMP",RULE_TYPE="inbound",ICMP_TYPE="8"',
    f'PROTOCOL="UDP",RULE_TYPE="inbound",RANGE="53",IP="{PEER}",SIZE="1"',
    'PROTOCOL="TCP",RULE_TYPE="outbound",RANGE="8080"',
    'PROTOCOL="TCP",RULE_TYPE="inbound",RANGE="22;flush ruleset"',
)


async def test_rules_let_their_packets_and_the_replies_through_and_nothing_else(
    ends: Lab, driver: BridgeDriver
) -> None:
    """One guest for all: what is opened, what an update changes, and that cleaning leaves nothing."""
    guest = guest_with(*RULES)
    ends.exec("host1", ["nft", "add table bridge others"])
    for _ in range(2):
        await driver.pre(guest, [nic()])

    assert reached(ends, "peer", *IN, *IN_CLOSED) == list(IN)
    assert reached(ends, "guest", *OUT, *OUT_CLOSED) == list(OUT)
    from_host = reached(ends, "host", f"tcp {GUEST} 80", f"tcp {GUEST} 22", f"udp {GUEST} 53")
    assert from_host == [f"tcp {GUEST} 80"]

    ssh_and_out = ('PROTOCOL="TCP",RULE_TYPE="inbound",RANGE="22"', 'PROTOCOL="ALL",RULE_TYPE="outbound"')
    await driver.update_sg(guest_with(*ssh_and_out), [nic()])
    assert reached(ends, "peer", *IN, f"tcp {GUEST} 22") == [f"tcp {GUEST} 22"]
    everything = (*OUT, f"udp {PEER} 53", f"udp {PEER6} 54", f"ping {PEER}", f"ping {PEER6}", f"ping {HOST}")
    assert reached(ends, "guest", *everything) == list(everything)

    for _ in range(2):
        await driver.clean(guest, [nic()])
    left = ends.exec("host1", ["nft", "list", "ruleset"])
    assert "one-7-0" not in left
    assert "table bridge others" in left
    assert reached(ends, "peer", f"tcp {GUEST} 80", f"tcp {GUEST} 22") != []


async def test_a_guest_sends_only_from_its_own_addresses(ends: Lab, driver: BridgeDriver) -> None:
    spoof_safe = nic(SECURITY_GROUPS="", FILTER_IP_SPOOFING="YES", FILTER_MAC_SPOOFING="YES")
    await driver.pre(guest_with(), [spoof_safe])
    probes = (f"tcp {PEER} 80", f"tcp {PEER6} 80")
    assert reached(ends, "guest", *probes) == list(probes)

    take = "ip addr del {0}/{2} dev eth0; ip addr add {1}/{2} dev eth0 nodad"
    for own, other, length in ((GUEST, "10.66.0.9", 24), (GUEST6, "2001:db8:66::9", 64)):
        ends.exec("host1", ["ip", "netns", "exec", "guest", "sh", "-c", take.format(own, other, length)])
    ends.exec("host1", ["ip", "-n", "peer", "neigh", "replace", "10.66.0.9", "lladdr", MAC, "dev", "eth0"])
    assert reached(ends, "guest", *probes) == []
    for own, other, length in ((GUEST, "10.66.0.9", 24), (GUEST6, "2001:db8:66::9", 64)):
        ends.exec("host1", ["ip", "netns", "exec", "guest", "sh", "-c", take.format(other, own, length)])
    assert reached(ends, "guest", *probes) == list(probes)

    ends.exec("host1", ["ip", "-n", "guest", "link", "set", "eth0", "address", "02:00:0a:42:00:09"])
    assert reached(ends, "guest", *probes) == []


async def test_a_guest_that_has_left_is_not_filtered_and_one_without_need_takes_no_nft(
    ends: Lab, driver: BridgeDriver
) -> None:
    closed, gone = guest_with(), nic(TARGET="one-7-9")
    await driver.update_sg(closed, [gone])
    assert "one-7-9" not in ends.exec("host1", ["nft", "list", "ruleset"])

    ends.exec("host1", ["sh", "-c", "mv /usr/sbin/nft /usr/sbin/nft.away; hash -r"])
    try:
        opening = ('PROTOCOL="ALL",RULE_TYPE="inbound"', 'PROTOCOL="ALL",RULE_TYPE="outbound"')
        await driver.pre(guest_with(*opening), [nic()])
        await driver.clean(closed, [nic()])
        with pytest.raises(DriverError, match=r"'one-7-0' on 'host1': the host has no nft.*install nftables"):
            await driver.pre(closed, [nic()])
    finally:
        ends.exec("host1", ["mv", "/usr/sbin/nft.away", "/usr/sbin/nft"])
