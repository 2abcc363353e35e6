from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.escape import unescape_document
from opennebula_core.documents.group import group_pool_end, render_group, render_group_in_pool
from opennebula_core.model.objects import Group

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]

GROUP = Group(id=100, name="web", user_ids=[2, 3], admin_ids=[3])


def test_a_group_lists_members_and_admins(read: Read, pyone: Pyone) -> None:
    read(render_group(GROUP))
    group = pyone(render_group(GROUP))

    assert (group.ID, list(group.USERS.ID), list(group.ADMINS.ID)) == (100, [2, 3], [3])


def test_groups_and_their_quotas_alternate_in_the_pool(pyone: Pyone) -> None:
    text = "&lt;GROUP_POOL&gt;" + render_group_in_pool(GROUP) + group_pool_end()

    element = ET.fromstring(unescape_document(text))

    assert [child.tag for child in element] == ["GROUP", "QUOTAS", "DEFAULT_GROUP_QUOTAS"]
    assert [item.NAME for item in pyone(text).GROUP] == ["web"]
