from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opennebula_core.errors import TemplateError
from opennebula_core.model.template import Template, Value, Vector

NAMES = st.from_regex(r"[A-WYZ_][A-Z0-9_]{0,12}", fullmatch=True)
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), include_characters="\t\n<>&]"), max_size=40
)
VECTORS = st.dictionaries(NAMES, TEXTS, min_size=1, max_size=4).map(Vector)
TEMPLATES = st.lists(st.tuples(NAMES, st.one_of(TEXTS, VECTORS)), max_size=8).map(Template)

WEB = 'NAME="web" DISK=[IMAGE_ID=1] DISK=[IMAGE_ID=2] NIC=[NETWORK="n"] MEMORY=512'


def test_values_of_a_repeated_name_keep_their_order() -> None:
    template = Template.parse("A=1 DISK=[X=1] A=2 DISK=[X=2] A=[Y=3]")

    assert template.values("A") == ["1", "2"]
    assert template.get("A") == "1"
    assert template.vector("A") == {"Y": "3"}
    assert template.vectors("DISK") == [{"X": "1"}, {"X": "2"}]
    assert len(template) == 5


def test_what_is_missing_is_empty() -> None:
    template = Template.parse("A=[X=1]")

    assert template.get("A") == ""
    assert template.get("B", "0") == "0"
    assert template.vector("B") is None
    assert template.values("B") == []
    assert "B" not in template
    assert "A" in template


def test_set_replaces_add_appends_and_remove_returns() -> None:
    template = Template([("a", "1"), ("A", "2")])

    template.set("a", "3")
    template.add("nic", {"ip": "10.0.0.1"})
    removed = template.remove("A")

    assert removed == ["3"]
    assert list(template) == [("NIC", {"IP": "10.0.0.1"})]


def test_take_removes_all_values_and_returns_the_first_text() -> None:
    template = Template([("NAME", {"A": "1"}), ("NAME", "first"), ("NAME", "second"), ("V", {"A": "1"})])
    assert (template.take("NAME"), template.take("V"), template.take("NAME")) == ("first", "", "")
    assert not template


def test_discard_removes_the_very_vector_and_leaves_its_equals() -> None:
    template = Template.parse("D=[X=1] D=[X=1]")
    first, second = template.vectors("D")

    template.discard("D", second)
    assert template.vectors("D")[0] is first
    template.discard("D", first)
    assert "D" not in template


def test_merge_replaces_all_occurrences_and_an_empty_vector_deletes() -> None:
    template = Template.parse(WEB)

    template.merge(Template.parse('DISK=[IMAGE_ID=9] NIC=[] NEW="1"'))

    assert list(template) == [("NAME", "web"), ("DISK", {"IMAGE_ID": "9"}), ("MEMORY", "512"), ("NEW", "1")]


def test_merge_takes_copies() -> None:
    template, other = Template(), Template.parse("D=[X=1]")

    template.merge(other)
    template.vectors("D")[0]["X"] = "2"

    assert other.vectors("D") == [{"X": "1"}]


def test_a_copy_shares_nothing() -> None:
    template = Template.parse(WEB)
    copy = template.copy()

    copy.vectors("DISK")[0]["IMAGE_ID"] = "7"
    copy.set("NAME", "db")

    assert template == Template.parse(WEB)
    assert copy != template


def test_an_empty_vector_vanishes() -> None:
    template = Template.parse("A=[]")

    assert not template
    assert template.to_xml() == "<TEMPLATE></TEMPLATE>"
    assert template.to_text() == ""


def test_xml_is_sorted_with_cdata_leaves() -> None:
    template = Template.parse('B="2<3" A=[Y="",X=1] B=1')

    assert template.to_xml("USER_TEMPLATE") == (
        "<USER_TEMPLATE><A><X><![CDATA[1]]></X><Y><![CDATA[]]></Y></A>"
        "<B><![CDATA[2<3]]></B><B><![CDATA[1]]></B></USER_TEMPLATE>"
    )


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("<T><a>1</a><B><![CDATA[<x> ]]></B></T>", [("A", "1"), ("B", "<x> ")]),
        (
            "<?xml version='1.0' encoding='utf-8'?>\n<ANY><D><x>1</x><Y/><X>2</X></D></ANY>",
            [("D", {"X": "1"})],
        ),
        ("<T><E/><F></F><G>\n</G></T>", [("G", "\n")]),
        ("<T>text<D>\n  <X>1</X>\n</D>tail</T>", [("D", {"X": "1"})]),
        ("<T/>", []),
    ],
    ids=["leaves", "declaration, vector", "empty children", "indented", "empty"],
)
def test_a_text_that_begins_with_a_bracket_is_xml(text: str, items: list[tuple[str, Value]]) -> None:
    assert list(Template.parse(text)) == items


@pytest.mark.parametrize(
    "text",
    [
        "<T><A>1</T>",
        "<T><D><X><Z>1</Z></X></D></T>",
        "<!DOCTYPE T [<!ENTITY a 'b'>]><T><A>&a;</A></T>",
        "<?xml version='1.0'?><!-- c --><!DOCTYPE T><T/>",
        "<T><A>a]]&gt;b</A></T>",
        "<T><D><A>a]]&gt;b</A></D></T>",
        "<T><A-B>1</A-B></T>",
        "<T xmlns:x='u'><x:A>1</x:A></T>",
        "<T><A>1</A></T>trailing",
        "<" + "a>" * 100,
        "<",
        " <T/>",
    ],
)
def test_xml_that_is_broken_nested_or_dangerous_is_a_template_error(text: str) -> None:
    with pytest.raises(TemplateError):
        Template.parse(text)


def test_an_element_of_a_document_keeps_its_empty_leaves() -> None:
    element = ET.fromstring("<TEMPLATE><A><![CDATA[]]></A><D><X/></D></TEMPLATE>")

    assert list(Template.from_element(element)) == [("A", ""), ("D", {"X": ""})]


@given(TEMPLATES)
def test_json_holds_everything(template: Template) -> None:
    assert Template.from_json(template.to_json()) == template
    assert list(Template.from_json(template.to_json())) == list(template)


@given(TEMPLATES)
def test_whatever_a_value_holds_its_xml_is_well_formed(template: Template) -> None:
    element = ET.fromstring(template.to_xml())

    read = Template.from_element(element)
    assert sorted(read.names()) == sorted(template.names())
    assert len(read) == len(template)


def test_a_drivers_message_cannot_break_out_of_its_element() -> None:
    template = Template([("ERROR", "]]></ERROR><X>1</X><ERROR><![CDATA["), ("B", "\x00\x1b[1m")])

    element = ET.fromstring(template.to_xml())

    assert [child.tag for child in element] == ["B", "ERROR"]
    assert element.findtext("B") == "??[1m"


def test_what_to_text_writes_parse_reads() -> None:
    template = Template.parse(WEB)

    assert Template.parse(template.to_text()) == template
