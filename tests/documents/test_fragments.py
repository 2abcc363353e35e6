from __future__ import annotations

from opennebula_core.documents.escape import unescape_document
from opennebula_core.documents.fragments import cdata, ids, permissions, pool, text


def test_an_empty_list_of_ids_keeps_its_wrapper() -> None:
    assert unescape_document(ids("VMS", ())) == "<VMS></VMS>"
    assert unescape_document(ids("VMS", iter((7, 9)))) == "<VMS><ID>7</ID><ID>9</ID></VMS>"


def test_an_empty_pool_is_an_element_without_children() -> None:
    assert unescape_document(pool("IMAGE_POOL", ())) == "<IMAGE_POOL></IMAGE_POOL>"


def test_permissions_are_nine_flags() -> None:
    plain = unescape_document(permissions(0o640))

    assert plain.startswith(
        "<PERMISSIONS><OWNER_U>1</OWNER_U><OWNER_M>1</OWNER_M><OWNER_A>0</OWNER_A><GROUP_U>1"
    )
    assert plain.endswith("<OTHER_A>0</OTHER_A></PERMISSIONS>")


def test_texts_are_escaped_with_and_without_cdata() -> None:
    assert unescape_document(text("a<b & c]]>")) == "a&lt;b &amp; c]] &gt;"
    assert unescape_document(cdata("a<b & c]]>")) == "<![CDATA[a<b & c]] >]]>"
