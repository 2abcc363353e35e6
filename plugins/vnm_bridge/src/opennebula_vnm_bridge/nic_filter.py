"""What a NIC's packet filter has to let through, read from the guest's template."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_core.model.addresses import mac_number, mac_text
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.security_rules import Address, SecurityRule, Traffic, group_ids, read_rule
from opennebula_core.model.template import Vector
from opennebula_vnm_bridge.interface_names import interface_name

_ADDRESSES = ("IP", "VROUTER_IP", "IP6", "IP6_GLOBAL", "IP6_ULA", "IP6_LINK", "VROUTER_IP6")


@dataclass(frozen=True, slots=True)
class NicFilter:
    """The filter of one NIC.

    :param interface: the NIC's end on the host; may be empty where nothing is filtered
    :param mac: the only one that it may send from; empty: any
    :param addresses: the only ones that it may send from; empty: any
    :param rules: of its security groups; None: it has no group, and is not filtered by rules
    """

    interface: str
    mac: str = ""
    addresses: tuple[Address, ...] = ()
    rules: tuple[SecurityRule, ...] | None = None

    @property
    def is_needed(self) -> bool:
        """Whether the filter would stop any packet at all."""
        return bool(self.mac or self.addresses) or not all(map(self.is_open, Traffic))

    def is_open(self, traffic: Traffic) -> bool:
        """Return whether rules let all of one direction through."""
        return self.rules is None or any(
            rule.allows_everything for rule in self.rules if rule.traffic is traffic
        )

    def rules_of(self, traffic: Traffic) -> Iterator[SecurityRule]:
        """Yield the rules of one direction."""
        return (rule for rule in self.rules or () if rule.traffic is traffic)


def read_filter(guest: Guest, nic: Vector) -> NicFilter:
    """Return the filter of a NIC.

    :raises DriverError: its interface, MAC or address is none
    """
    read = NicFilter(
        interface_name(nic, "TARGET", is_optional=True),
        _mac(nic) if _is_yes(nic, "FILTER_MAC_SPOOFING") else "",
        tuple(_addresses(nic)) if _is_yes(nic, "FILTER_IP_SPOOFING") else (),
        _rules(guest, group_ids(nic["SECURITY_GROUPS"])) if nic.get("SECURITY_GROUPS") else None,
    )
    if read.is_needed:
        interface_name(nic, "TARGET")
    return read


def _is_yes(nic: Vector, name: str) -> bool:
    return nic.get(name, "").upper() in ("YES", "TRUE")


def _mac(nic: Vector) -> str:
    try:
        return mac_text(mac_number(nic.get("MAC", "")))
    except (ValueError, OverflowError):
        raise _wrong(nic, "MAC") from None


def _addresses(nic: Vector) -> Iterator[Address]:
    for name in _ADDRESSES:
        if nic.get(name):
            try:
                address = ipaddress.ip_address(nic[name])
            except ValueError:
                raise _wrong(nic, name) from None
            if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
                raise _wrong(nic, name)  # a scope is free text, which would end up in the filter's commands
            yield address


def _wrong(nic: Vector, name: str) -> DriverError:
    return DriverError(
        f"NIC {nic.get('NIC_ID', '?')}: {name} {nic.get(name, '')[:80]!r} is no address; "
        f"correct it in network {nic.get('NETWORK_ID', '?')}"
    )


def _rules(guest: Guest, groups: Sequence[int]) -> tuple[SecurityRule, ...]:
    """Return the rules of the NIC's groups; one that is not understood opens nothing, and is told."""
    found = []
    for vector in guest.template.vectors("SECURITY_GROUP_RULE"):
        if whole_number(vector.get("SECURITY_GROUP_ID", "")) not in groups:
            continue
        try:
            found.append(read_rule(vector))
        except ValueError as error:
            guest.report.warning(
                f"security group {vector['SECURITY_GROUP_ID']}: a rule is left out: {error}; correct it"
            )
    return tuple(dict.fromkeys(found))
