from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opennebula_core.errors import XmlError
from opennebula_core.xml import Node, element, parse, parse_document, unparse

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=12).filter(
    lambda text: text.strip() or not text
)
NODES = st.recursive(TEXTS, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=6)


def test_children_attributes_and_texts_have_their_places() -> None:
    text = """<domain type='kvm'>
      <name> one-7 </name>
      <memory unit='KiB'>1024</memory>
      <on_crash/>
    </domain>"""

    assert parse(text) == {
        "domain": {
            "@type": "kvm",
            "name": " one-7 ",
            "memory": {"@unit": "KiB", "#text": "1024"},
            "on_crash": "",
        }
    }


def test_what_may_repeat_is_a_list_when_the_caller_says_so() -> None:
    text = "<A><B>1</B><C>1</C><C>2</C><D><C>3</C></D></A>"

    assert parse(text) == {"A": {"B": "1", "C": ["1", "2"], "D": {"C": "3"}}}
    assert parse(text, force_list=("B",)) == {"A": {"B": ["1"], "C": ["1", "2"], "D": {"C": "3"}}}
    found = parse(text, force_list=lambda parent, name: (parent, name) == ("D", "C"))
    assert found == {"A": {"B": "1", "C": ["1", "2"], "D": {"C": ["3"]}}}


def test_a_document_of_the_api_has_lists_for_all_that_may_repeat() -> None:
    text = (
        "<VM_POOL><VM><ID>7</ID><TEMPLATE><CPU><![CDATA[1]]></CPU><DISK><DISK_ID><![CDATA[0]]></DISK_ID></DISK>"
        "</TEMPLATE><HISTORY_RECORDS><HISTORY><SEQ>0</SEQ></HISTORY></HISTORY_RECORDS></VM></VM_POOL>"
    )

    assert parse_document(text) == {
        "VM_POOL": {
            "VM": [
                {
                    "ID": "7",
                    "TEMPLATE": {"CPU": "1", "DISK": [{"DISK_ID": "0"}]},
                    "HISTORY_RECORDS": {"HISTORY": [{"SEQ": "0"}]},
                }
            ]
        }
    }


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("<VM_POOL></VM_POOL>", {"VM_POOL": {"VM": []}}),
        ("<HOST><VMS></VMS><NAME>a</NAME></HOST>", {"HOST": {"VMS": {"ID": []}, "NAME": "a"}}),
        ("<HOST><VMS><ID>7</ID></VMS></HOST>", {"HOST": {"VMS": {"ID": ["7"]}}}),
        ("<VM><HISTORY_RECORDS/></VM>", {"VM": {"HISTORY_RECORDS": {"HISTORY": []}}}),
        (
            "<VNET><AR_POOL><AR><LEASES/></AR></AR_POOL></VNET>",
            {"VNET": {"AR_POOL": {"AR": [{"LEASES": {"LEASE": []}}]}}},
        ),
        (
            "<HOST_SHARE><DATASTORES><DISK_USAGE>0</DISK_USAGE><DS><ID>0</ID></DS></DATASTORES></HOST_SHARE>",
            {"HOST_SHARE": {"DATASTORES": {"DISK_USAGE": "0", "DS": [{"ID": "0"}]}}},
        ),
        (
            "<USER_POOL><USER><ID>0</ID></USER><QUOTAS><ID>0</ID></QUOTAS></USER_POOL>",
            {"USER_POOL": {"USER": [{"ID": "0"}], "QUOTAS": [{"ID": "0"}]}},
        ),
    ],
)  # fmt: skip
def test_an_empty_list_is_a_list(text: str, document: dict[str, Node]) -> None:
    assert parse_document(text) == document


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!DOCTYPE A [<!ENTITY b 'c'>]><A>&b;</A>", "document types"),
        ("<A>&b;</A>", "undefined entity"),
        ("<A><B></A>", "mismatched"),
        ("", "does not begin"),
        ("<A>\ud800</A>", "surrogates"),
        ("<A>" * 100 + "</A>" * 100, "64 deep"),
        ("<A>" + "x" * 100 + "</A>", "at most 99"),
    ],
)
def test_what_is_broken_or_dangerous_is_refused(text: str, reason: str) -> None:
    with pytest.raises(XmlError, match=reason):
        parse(text, max_chars=99 if "x" * 99 in text else 10_000)


def test_two_roots_cannot_be_written() -> None:
    with pytest.raises(XmlError, match="write XML"):
        unparse({"A": "1", "B": "2"})


@given(NODES)
def test_what_is_written_is_read_back(node: Node) -> None:
    assert parse(unparse({"ROOT": node})) == {"ROOT": node}


def test_an_element_is_read_with_the_same_limits() -> None:
    assert element("<A><B>1</B></A>").findtext("B") == "1"
    with pytest.raises(XmlError):
        element("<!DOCTYPE A><A/>")
