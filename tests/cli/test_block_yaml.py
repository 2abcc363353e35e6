from __future__ import annotations

import json

from opennebula_core.cli.block_yaml import Document, to_yaml


def test_a_document_is_written_in_blocks() -> None:
    document: Document = {
        "VM": {"ID": "7", "NAME": "web", "DISK": [{"ID": "0", "SIZE": "5"}, {"ID": "1"}], "NIC": []}
    }

    assert to_yaml(document) == (
        'VM:\n  ID: "7"\n  NAME: web\n  DISK:\n    - ID: "0"\n      SIZE: "5"\n    - ID: "1"\n  NIC: []\n'
    )


def test_texts_stay_texts() -> None:
    for text in ("yes", "No", "null", "1e3", "0x10", "~", "", "- a", "a: b", "#1", "2026-01-01", "TRUE", "*"):
        assert to_yaml({"A": text}) == f"A: {json.dumps(text)}\n", text


def test_words_need_no_quotes() -> None:
    for text in ("web", "/var/lib/one", "host01.example.org", "a_b-c+d@e"):
        assert to_yaml([text]) == f"- {text}\n"


def test_what_yaml_cannot_print_is_escaped_and_the_rest_is_not() -> None:
    assert to_yaml({"A": 'ü\u2028\x85\n"雲"'}) == 'A: "ü\\u2028\\u0085\\n\\"雲\\""\n'


def test_lists_in_lists_are_written_too() -> None:
    assert to_yaml({"A": [["b", "c"], "d"]}) == "A:\n  - - b\n    - c\n  - d\n"
