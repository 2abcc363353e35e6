from __future__ import annotations

import time

import pytest

from opennebula_core.model.template import Template, Vector
from opennebula_core.wire.monitoring.attributes import parse_attributes, render_attributes


def test_a_line_is_a_name_and_the_rest() -> None:
    template = parse_attributes("ARCH=x86_64\nMODELNAME=Intel(R) Xeon, 2 GHz \nCPUSPEED = 2200\n")

    assert list(template) == [
        ("ARCH", "x86_64"),
        ("MODELNAME", "Intel(R) Xeon, 2 GHz"),
        ("CPUSPEED", "2200"),
    ]


def test_quoted_texts_may_hold_anything() -> None:
    text = r'A="two words"' + "\n" + r'B="say \"hi\" and \\"' + '\nC="[x=1], y"\nD=""\n'

    assert list(parse_attributes(text)) == [
        ("A", "two words"),
        ("B", 'say "hi" and \\'),
        ("C", "[x=1], y"),
        ("D", ""),
    ]


def test_vectors_may_go_over_lines_and_hold_brackets_in_quotes() -> None:
    text = 'PCI = [ ADDRESS = "0000:02:00:0",\n   DEVICE_NAME = "C79 [GeForce 9400M]",\n  SLOT=00 ]\nNEXT=1\n'

    assert list(parse_attributes(text)) == [
        ("PCI", Vector({"ADDRESS": "0000:02:00:0", "DEVICE_NAME": "C79 [GeForce 9400M]", "SLOT": "00"})),
        ("NEXT", "1"),
    ]


def test_several_values_of_one_name_are_kept() -> None:
    assert len(parse_attributes('VM=[ID="1"]\nVM=[ID="2"]\n').vectors("VM")) == 2


def test_up_to_4_2_commas_and_blanks_end_values() -> None:
    text = 'ARCH=x86_64,HOSTNAME=vm,MODELNAME="Intel(R), Xeon",USEDMEMORY=,FREECPU= NETRX=0'

    assert list(parse_attributes(text, words=True)) == [
        ("ARCH", "x86_64"),
        ("HOSTNAME", "vm"),
        ("MODELNAME", "Intel(R), Xeon"),
        ("NETRX", "0"),
    ]


def test_what_is_no_attribute_is_passed_over() -> None:
    text = "error: no libvirt\n\n=5\n9=x\nA=\n-B=3\nusedcpu=3\n"

    assert list(parse_attributes(text)) == [("USEDCPU", "3")]


@pytest.mark.parametrize("text", ['A="open\nB=1\n', "A=[open\nB=1\n", 'A=[X="open\nB=1\n'])
def test_what_is_never_closed_spoils_its_line_only(text: str) -> None:
    assert parse_attributes(text).get("B") == "1"


@pytest.mark.parametrize("piece", ["a=[", 'a="', 'a=["', "a", "a=", '\\"', "a=[a=", "[", "a=[b=c,"])
def test_hostile_texts_take_time_in_proportion_to_their_size(piece: str) -> None:
    started = time.perf_counter()

    parse_attributes(f"\n{piece} " * 100_000)
    parse_attributes(piece * 300_000)

    assert time.perf_counter() - started < 30


def test_what_is_written_is_read_again() -> None:
    template = Template(
        [("A", 'say "x"\\'), ("B", Vector({"C": "a, b]", "D": "\n"})), ("B", Vector({"C": "2"}))]
    )

    assert parse_attributes(render_attributes(template)) == template
