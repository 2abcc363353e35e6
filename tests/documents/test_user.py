from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.escape import unescape_document
from opennebula_core.documents.user import ShownToken, render_user, render_user_in_pool, user_pool_end
from opennebula_core.model.objects import User

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]

USER = User(id=2, name="alice", gid=1, gname="users", password="secret<>", group_ids=[100, 1])


def test_a_user_is_in_his_groups_the_primary_one_too(read: Read) -> None:
    element = read(render_user(USER))

    assert [item.text for item in element.iterfind("GROUPS/ID")] == ["1", "100"]


def test_what_is_stored_of_a_password_is_shown_on_demand_only(read: Read) -> None:
    assert read(render_user(USER)).findtext("PASSWORD") == ""
    assert read(render_user(USER, show_password=True)).findtext("PASSWORD") == "secret<>"


def test_login_tokens_are_listed_and_their_texts_shown_on_demand_only(read: Read, pyone: Pyone) -> None:
    tokens = (ShownToken("t0ken<>&", -1, -1), ShownToken("other", 1_800_000_000, 100))
    hidden = read(render_user(USER, tokens=tokens))
    shown = pyone(render_user(USER, tokens=tokens, show_tokens=True))

    assert [token.findtext("TOKEN") for token in hidden.iterfind("LOGIN_TOKEN")] == ["", ""]
    assert [(token.TOKEN, token.EXPIRATION_TIME, token.EGID) for token in shown.LOGIN_TOKEN] == [
        ("t0ken<>&", -1, -1),
        ("other", 1_800_000_000, 100),
    ]


def test_pyone_reads_a_user(pyone: Pyone) -> None:
    user = pyone(render_user(USER))

    assert (user.ID, user.GNAME, list(user.GROUPS.ID), user.ENABLED) == (2, "users", [1, 100], 1)


def test_users_and_their_quotas_alternate_in_the_pool(pyone: Pyone) -> None:
    text = "&lt;USER_POOL&gt;" + render_user_in_pool(USER) * 2 + user_pool_end()

    element = ET.fromstring(unescape_document(text))

    assert [child.tag for child in element] == ["USER", "QUOTAS", "USER", "QUOTAS", "DEFAULT_USER_QUOTAS"]
    assert element.find("USER/VM_QUOTA") is None
    assert [user.ID for user in pyone(text).USER] == [2, 2]
