from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opennebula_core.errors import InternalError
from opennebula_core.model.acl import (
    ALL,
    CLUSTER,
    GROUP,
    INDIVIDUAL,
    KIND_BITS,
    check_rule,
    parse_hexadecimal,
    parse_rule,
    render_rule,
)
from opennebula_core.model.objects import AclRule


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("@1 HOST/* MANAGE #0", "200000001 2400000000 2 100000000"),
        ("#5 VM+NET/@12 USE+MANAGE #0", "100000005 520000000c 3 100000000"),
        ("* ZONE/* USE *", "400000000 800400000000 1 400000000"),
        ("@1 HOST+NET/%100 USE #3", "200000001 6800000064 1 100000003"),
        ("#0 HOST/#3 ADMIN+CREATE #0", "100000000 2100000003 c 100000000"),
    ],
)
def test_a_rule_has_these_numbers(text: str, numbers: str) -> None:
    rule = parse_rule(text)

    assert f"{rule.user:x} {rule.resource:x} {rule.rights:x} {rule.zone:x}" == numbers
    user, resource, rights, zone = numbers.split()
    assert parse_hexadecimal(user, resource, rights, zone) == rule
    assert render_rule(rule) == text


def test_a_rule_without_a_zone_is_for_this_one() -> None:
    assert parse_rule("#1 VM/* USE", zone_id=7).zone == INDIVIDUAL | 7
    assert parse_hexadecimal("100000001", "1400000000", "1", "", zone_id=7).zone == INDIVIDUAL | 7


def test_kinds_are_printed_in_opennebulas_order() -> None:
    rule = parse_rule("@1 BACKUPJOB+VM+VMGROUP+IMAGE+TEMPLATE+DOCUMENT+SECGROUP/* CREATE *")

    assert render_rule(rule) == "@1 VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP+BACKUPJOB/* CREATE *"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (AclRule(-1, INDIVIDUAL | GROUP, KIND_BITS["VM"] | ALL, 1, ALL), "[user]"),
        (AclRule(-1, 5, KIND_BITS["VM"] | ALL, 1, ALL), "[user]"),
        (AclRule(-1, CLUSTER | 5, KIND_BITS["VM"] | ALL, 1, ALL), "[user]"),
        (AclRule(-1, -1, KIND_BITS["VM"] | ALL, 1, ALL), "negative"),
        (AclRule(-1, INDIVIDUAL | 0xFFFFFFFF, KIND_BITS["VM"] | ALL, 1, ALL), "negative"),
        (AclRule(-1, ALL | 1, KIND_BITS["VM"] | ALL, 1, ALL), "ID must be 0"),
        (AclRule(-1, ALL, KIND_BITS["VM"] | CLUSTER | 1, 1, ALL), "by cluster"),
        (AclRule(-1, ALL, KIND_BITS["HOST"] | GROUP | 1, 1, ALL), "by group"),
        (AclRule(-1, ALL, ALL, 1, ALL), "missing kind"),
        (AclRule(-1, ALL, KIND_BITS["VM"] | 0x800_0000_0000 | ALL, 1, ALL), "unknown kind"),
        (AclRule(-1, ALL, KIND_BITS["VM"] | ALL, 0, ALL), "[rights]"),
        (AclRule(-1, ALL, KIND_BITS["VM"] | ALL, 16, ALL), "[rights]"),
        (AclRule(-1, ALL, KIND_BITS["VM"] | ALL, 1, GROUP | 1), "[zone]"),
        (AclRule(-1, ALL, KIND_BITS["VM"] | INDIVIDUAL | 3, 1, ALL), "[zone]"),
    ],
)
def test_a_malformed_rule_is_refused_with_the_reason(rule: AclRule, reason: str) -> None:
    with pytest.raises(InternalError, match=r"^Rule .* is malformed: ") as caught:
        check_rule(rule)

    assert reason in str(caught.value)


def test_all_reasons_are_given_at_once() -> None:
    with pytest.raises(InternalError, match=r"is malformed: .*; .*; "):
        check_rule(AclRule(-1, 0, 0, 0, 0))


def test_one_user_may_be_named_for_all_zones() -> None:
    check_rule(AclRule(-1, ALL, KIND_BITS["USER"] | INDIVIDUAL | 3, 1, ALL))


@pytest.mark.parametrize(
    "text", ["", "#1", "#1 VM USE", "x VM/* USE", "#a VM/* USE", "# VM/* USE", "#1 VN/* USE", "#1 VM/* GO"]
)
def test_a_text_that_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InternalError, match="malformed"):
        parse_rule(text)


@pytest.mark.parametrize("numbers", [("x", "1", "1", "1"), ("0x", "1", "1", "1"), ("", "", "", "")])
def test_what_is_not_hexadecimal_is_refused(numbers: tuple[str, str, str, str]) -> None:
    with pytest.raises(InternalError, match="malformed"):
        parse_hexadecimal(*numbers)


@given(
    user=st.sampled_from(["#3", "@100", "*"]),
    kinds=st.sets(st.sampled_from(["HOST", "NET", "DATASTORE"]), min_size=1),
    whose=st.sampled_from(["#7", "%100", "*"]),
    rights=st.sets(st.sampled_from(["USE", "MANAGE", "ADMIN", "CREATE"]), min_size=1),
)
def test_what_is_printed_can_be_parsed(user: str, kinds: set[str], whose: str, rights: set[str]) -> None:
    rule = parse_rule(f"{user} {'+'.join(kinds)}/{whose} {'+'.join(rights)} #0")

    assert parse_rule(render_rule(rule)) == rule
