from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opennebula_core.model.template import Template, Vector
from opennebula_core.model.template_xml import leaf_text, render_leaf, render_vector

NAMES = st.from_regex(r"[A-WYZ_][A-Z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(alphabet="ab&<>;]![CDATA\x00 ü\n", max_size=30)
VECTORS = st.dictionaries(NAMES, TEXTS, min_size=1, max_size=4).map(Vector)
TEMPLATES = st.lists(st.tuples(NAMES, st.one_of(TEXTS, VECTORS)), max_size=6).map(Template)


@given(TEMPLATES)
def test_the_escaped_form_is_the_plain_one_escaped(template: Template) -> None:
    plain = template.to_xml("ROOT")

    escaped = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert template.to_xml("ROOT", escaped=True) == escaped


def test_a_vector_can_be_shown_in_part() -> None:
    vector = Vector(B="2", A="1", C="3")

    assert render_vector("V", vector, escaped=False, kept=frozenset({"C", "A", "X"})) == (
        "<V><A><![CDATA[1]]></A><C><![CDATA[3]]></C></V>"
    )
    assert render_vector("V", vector, escaped=False, kept=frozenset()) == "<V></V>"


def test_vectors_with_the_same_keys_in_another_order_look_the_same() -> None:
    one, other = Vector(A="1", B="2"), Vector(B="2", A="1")

    assert render_vector("V", one, escaped=True) == render_vector("V", other, escaped=True)


def test_a_vector_with_very_many_keys_is_rendered_too() -> None:
    vector = Vector((f"KEY{number}", "%s") for number in range(200))

    assert render_vector("V", vector, escaped=True).count("%s") == 200


def test_a_leaf_holds_what_xml_can() -> None:
    assert render_leaf("A", "x<y", escaped=False) == "<A><![CDATA[x<y]]></A>"
    assert render_leaf("A", "x<y", escaped=True) == "&lt;A&gt;&lt;![CDATA[x&lt;y]]&gt;&lt;/A&gt;"
    assert leaf_text("a]]>b\x07", escaped=False) == "a]] >b?"
