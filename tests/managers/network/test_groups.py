from __future__ import annotations

import pytest

from opennebula_core.errors import AuthorizationError, NotFoundError
from opennebula_core.testing.cloud import Cloud

ALICE = "alice:pw"
NET_AND_TEMPLATE = 0x40_0000_0000 | 0x40_0000_0000_0000
CREATE = 8


async def test_networks_name_security_groups_that_whoever_writes_them_may_use(front_end: Cloud) -> None:
    await front_end.new("one.user.allocate", "alice", "pw", "", [])
    rule = (0x2_0000_0000 | 1, 0x4_0000_0000 | NET_AND_TEMPLATE, CREATE)
    await front_end.call("one.acl.addrule", *(f"{number:x}" for number in rule))
    hidden = await front_end.new("one.secgroup.allocate", "NAME=hidden")
    parent = await front_end.add_network("net")
    hers = await front_end.new("one.vn.reserve", parent, "SIZE=2\nNAME=r", session=ALICE)
    groups, base = f"SECURITY_GROUPS={hidden}", "NAME=x\nVN_MAD=dummy\nBRIDGE=b\n"
    for method, *given in (
        ("vn.update", hers, groups, 1),
        ("vn.update_ar", hers, f"AR=[AR_ID=0,{groups}]"),
        ("vn.allocate", base + groups, -1),
        ("vn.allocate", f"{base}AR=[TYPE=ETHER,SIZE=1,{groups}]", -1),
        ("vntemplate.allocate", f"NAME=x\n{groups}"),
    ):
        with pytest.raises(AuthorizationError, match=rf"USE SECGROUP \[{hidden}\]"):
            await front_end.call(f"one.{method}", *given, session=ALICE)
    with pytest.raises(NotFoundError):
        await front_end.call("one.vn.update", hers, "SECURITY_GROUPS=999", 1, session=ALICE)
    await front_end.call("one.vn.update", hers, groups, 1)
    await front_end.call("one.vn.update", hers, f'{groups}\nSECURITY_GROUPS="0,{hidden}"', 0, session=ALICE)


async def test_what_an_administrators_template_names_may_be_used(front_end: Cloud) -> None:
    await front_end.new("one.user.allocate", "alice", "pw", "", [])
    rule = (0x2_0000_0000 | 1, 0x4_0000_0000 | NET_AND_TEMPLATE, CREATE)
    await front_end.call("one.acl.addrule", *(f"{number:x}" for number in rule))
    hidden = await front_end.new("one.secgroup.allocate", "NAME=hidden")
    text = f"NAME=t\nVN_MAD=dummy\nBRIDGE=b\nSECURITY_GROUPS={hidden}"
    template_id = await front_end.new("one.vntemplate.allocate", text)
    await front_end.call("one.vntemplate.chmod", template_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    made = await front_end.new("one.vntemplate.instantiate", template_id, "mine", session=ALICE)
    assert front_end.network(made).template.get("SECURITY_GROUPS") == str(hidden)
