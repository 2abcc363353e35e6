from __future__ import annotations

import pytest

from opennebula_core.errors import AuthorizationError, InternalError
from opennebula_core.model.acl import parse_rule
from opennebula_core.testing.cloud import Cloud

ALICE = "alice:pw"


async def _add(cloud: Cloud, text: str) -> int:
    rule = parse_rule(text)
    numbers = [f"{number:x}" for number in (rule.user, rule.resource, rule.rights, rule.zone)]
    return await cloud.new("one.acl.addrule", *numbers)


async def test_a_rule_opens_and_its_removal_closes(front_end: Cloud) -> None:
    user_id = await front_end.new("one.user.allocate", "alice", "pw", "", [])
    template = await front_end.new("one.template.allocate", "NAME=t\nCPU=1\nMEMORY=64\n")
    rule_id = await _add(front_end, f"#{user_id} TEMPLATE/#{template} USE #0")
    await front_end.call("one.template.info", template, session=ALICE)
    await front_end.call("one.acl.delrule", rule_id)
    with pytest.raises(AuthorizationError):
        await front_end.call("one.template.info", template, session=ALICE)
    with pytest.raises(InternalError, match=f"Rule {rule_id} does not exist"):
        await front_end.call("one.acl.delrule", rule_id)


async def test_a_rule_is_added_once_and_without_a_zone_means_this_one(front_end: Cloud) -> None:
    rule = parse_rule("#2 VM/* USE #0")
    numbers = [f"{number:x}" for number in (rule.user, rule.resource, rule.rights)]
    await front_end.call("one.acl.addrule", *numbers, "")
    with pytest.raises(InternalError, match="already exists"):
        await front_end.call("one.acl.addrule", *numbers, f"{rule.zone:x}")


@pytest.mark.parametrize(
    "numbers",
    [
        ("zz", "1", "1"),
        ("0", "0", "0"),
        ("100000002", "1000000000", "1"),
        ("-1", "1", "1"),
        (f"{1 << 70 | 0x100000002:x}", "1400000000", "1"),
    ],
)
async def test_malformed_rules_are_refused(front_end: Cloud, numbers: tuple[str, ...]) -> None:
    with pytest.raises(InternalError, match="malformed"):
        await front_end.call("one.acl.addrule", *numbers)


async def test_plain_users_neither_see_nor_change_rules(front_end: Cloud) -> None:
    await front_end.call("one.user.allocate", "alice", "pw", "", [])
    for method, params in (("info", ()), ("delrule", (0,)), ("addrule", ("1", "2", "3"))):
        with pytest.raises(AuthorizationError):
            await front_end.call(f"one.acl.{method}", *params, session=ALICE)
