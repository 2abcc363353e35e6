"""Access rules: OpenNebula's numbers, their text form and what makes one malformed.

A rule reads ``USER RESOURCE RIGHTS ZONE``, such as ``#5 VM+NET/@12 USE+MANAGE #0``. Inside it is four
numbers: selectors, kinds and rights are bits, the low 32 bits carry the id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from opennebula_core.errors import InternalError
from opennebula_core.model.objects import AclRule

INDIVIDUAL: Final = 0x1_0000_0000
GROUP: Final = 0x2_0000_0000
ALL: Final = 0x4_0000_0000
CLUSTER: Final = 0x8_0000_0000
ID_MASK: Final = 0xFFFF_FFFF
RIGHTS_MASK: Final = 0xF

KIND_BITS: Final[Mapping[str, int]] = {
    "VM": 0x10_0000_0000,
    "HOST": 0x20_0000_0000,
    "NET": 0x40_0000_0000,
    "IMAGE": 0x80_0000_0000,
    "USER": 0x100_0000_0000,
    "TEMPLATE": 0x200_0000_0000,
    "GROUP": 0x400_0000_0000,
    "DATASTORE": 0x1000_0000_0000,
    "CLUSTER": 0x2000_0000_0000,
    "DOCUMENT": 0x4000_0000_0000,
    "ZONE": 0x8000_0000_0000,
    "SECGROUP": 0x1_0000_0000_0000,
    "VDC": 0x2_0000_0000_0000,
    "VROUTER": 0x4_0000_0000_0000,
    "MARKETPLACE": 0x8_0000_0000_0000,
    "MARKETPLACEAPP": 0x10_0000_0000_0000,
    "VMGROUP": 0x20_0000_0000_0000,
    "VNTEMPLATE": 0x40_0000_0000_0000,
    "BACKUPJOB": 0x100_0000_0000_0000,
}
"""Kinds that a rule may name, in the order in which they are printed. Source: OpenNebula 6.10 API."""

RIGHT_BITS: Final[Mapping[str, int]] = {"USE": 0x1, "MANAGE": 0x2, "ADMIN": 0x4, "CREATE": 0x8}

_SIGNS = {INDIVIDUAL: "#", GROUP: "@", ALL: "*", CLUSTER: "%"}
_SELECTORS = INDIVIDUAL | GROUP | ALL | CLUSTER
_ALL_KINDS = sum(KIND_BITS.values())
_IN_CLUSTERS = KIND_BITS["HOST"] | KIND_BITS["NET"] | KIND_BITS["DATASTORE"]
_WITHOUT_GROUP = sum(KIND_BITS[kind] for kind in ("HOST", "GROUP", "CLUSTER", "ZONE", "VDC"))
_IN_ALL_ZONES = sum(KIND_BITS[kind] for kind in ("USER", "GROUP", "ZONE"))


def parse_rule(text: str, zone_id: int = 0) -> AclRule:
    """Return the rule that a text describes, with id -1.

    :param zone_id: the zone of a rule that names none
    :raises InternalError: the text is no rule
    """
    words = text.split()
    if len(words) not in (3, 4):
        raise InternalError(f"Rule {text!r} is malformed: it needs USER RESOURCE RIGHTS [ZONE]")
    user, resource, rights, zone = (*words, f"#{zone_id}")[:4]
    kinds, slash, whose = resource.partition("/")
    if not slash:
        raise InternalError(f"Rule {text!r} is malformed: the resource needs /#id, /@group, /%cluster or /*")
    rule = AclRule(
        id=-1,
        user=_parse_selector(user),
        resource=_parse_bits(kinds, KIND_BITS) | _parse_selector(whose),
        rights=_parse_bits(rights, RIGHT_BITS),
        zone=_parse_selector(zone),
    )
    check_rule(rule)
    return rule


def parse_hexadecimal(user: str, resource: str, rights: str, zone: str, zone_id: int = 0) -> AclRule:
    """Return the rule that an API call sends as four hexadecimal numbers, with id -1.

    :param zone: empty for the zone ``zone_id``
    :raises InternalError: one is no number, or the rule is malformed
    """
    texts = (user, resource, rights, zone or f"{INDIVIDUAL | zone_id:x}")
    try:
        numbers = [int(text, 16) for text in texts]
    except ValueError:
        raise InternalError(f"Rule {' '.join(texts)} is malformed: it needs hexadecimal numbers") from None
    rule = AclRule(-1, *numbers)
    check_rule(rule)
    return rule


def render_rule(rule: AclRule) -> str:
    """Return the rule as text."""
    kinds = "+".join(_names(rule.resource, KIND_BITS))
    rights = "+".join(_names(rule.rights, RIGHT_BITS))
    return f"{_selector(rule.user)} {kinds}/{_selector(rule.resource)} {rights} {_selector(rule.zone)}"


def check_rule(rule: AclRule) -> None:
    """Check that the rule makes sense.

    :raises InternalError: it does not; with all the reasons
    """
    reasons = [
        *_selector_problems("user", rule.user, INDIVIDUAL | GROUP | ALL),
        *_selector_problems("resource", rule.resource, _SELECTORS),
        *_resource_problems(rule.resource),
        *_selector_problems("zone", rule.zone, INDIVIDUAL | ALL),
    ]
    if not 0 < rule.rights <= RIGHTS_MASK:
        reasons.append("[rights] wrong rights, it must be any of USE, MANAGE, ADMIN and CREATE")
    if rule.resource & INDIVIDUAL and rule.zone & ALL and not rule.resource & _IN_ALL_ZONES:
        reasons.append("[zone] the resource is one object, so the zone must be one, too")
    if reasons:
        raise InternalError(f"Rule {render_rule(rule)} is malformed: {'; '.join(reasons)}")


def _selector_problems(part: str, number: int, allowed: int) -> Iterable[str]:
    if number < 0:
        yield f"[{part}] ID must not be negative"
        return
    chosen = number & _SELECTORS
    if part != "resource" and number & ~(_SELECTORS | ID_MASK):
        yield f"[{part}] unknown bits"
    if chosen & ~allowed:
        yield f"[{part}] this selector cannot be used here"
    elif chosen.bit_count() != 1:
        yield f"[{part}] INDIVIDUAL (#), GROUP (@), CLUSTER (%) and ALL (*) are exclusive, and one is needed"
    elif chosen == ALL and number & ID_MASK:
        yield f"[{part}] when using the ALL bit, the ID must be 0"
    elif number & ID_MASK > 0x7FFF_FFFF:
        yield f"[{part}] ID must not be negative"


def _resource_problems(resource: int) -> Iterable[str]:
    kinds = resource & ~_SELECTORS & ~ID_MASK
    if resource < 0:
        return
    if not kinds:
        yield "[resource] missing kind of object"
    if kinds & ~_ALL_KINDS:
        yield "[resource] unknown kind of object"
    if resource & CLUSTER and kinds & ~_IN_CLUSTERS:
        yield "[resource] only HOST, NET and DATASTORE can be selected by cluster"
    if resource & GROUP and kinds & _WITHOUT_GROUP:
        yield "[resource] HOST, GROUP, CLUSTER, ZONE and VDC cannot be selected by group"


def _selector(number: int) -> str:
    for bit, sign in _SIGNS.items():
        if number & bit:
            return sign if bit == ALL else f"{sign}{number & ID_MASK}"
    return "??"


def _names(number: int, bits: Mapping[str, int]) -> list[str]:
    return [name for name, bit in bits.items() if number & bit]


def _parse_selector(text: str) -> int:
    bits = {sign: bit for bit, sign in _SIGNS.items()}
    if text == "*":
        return ALL
    if text[:1] not in bits or not text[1:].isdecimal():
        raise InternalError(f"Rule part {text!r} is malformed: use #id, @id, %id or *")
    return bits[text[0]] | int(text[1:])


def _parse_bits(text: str, bits: Mapping[str, int]) -> int:
    number = 0
    for name in text.upper().split("+"):
        if name not in bits:
            raise InternalError(f"Rule part {name!r} is malformed: known are {', '.join(bits)}")
        number |= bits[name]
    return number
