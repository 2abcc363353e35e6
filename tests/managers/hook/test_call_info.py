from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.documents.escape import escape_document
from opennebula_core.errors import ActionError
from opennebula_core.managers.hook.call_info import call_info


def values(text: str, kind: str) -> list[str | None]:
    return [item.text for item in fromstring(text).findall(f"PARAMETERS/PARAMETER[TYPE='{kind}']/VALUE")]


def test_parameters_and_results_of_all_types_are_told() -> None:
    text = call_info("one.vm.x", ("a <b> & \x00 ]]>", 7, True, [1, 2]), False, "<VM/>")
    assert values(text, "IN") == ["****", "a <b> & ? ]] >", "7", "1", "1,2"]
    assert values(text, "OUT") == ["true", "0", "0"]
    assert fromstring(text).find("EXTRA/VM") is not None


def test_documents_are_told_unless_they_are_long() -> None:
    document = escape_document("<VM><NAME>a &amp; b</NAME></VM>").encode()
    assert values(call_info("one.vm.info", (1,), document, ""), "OUT")[1] == "<VM><NAME>a &amp; b</NAME></VM>"
    assert values(call_info("one.vmpool.info", (), document * 10_000, ""), "OUT")[1] is None


def test_a_refusal_is_told_with_its_code() -> None:
    text = call_info("one.vm.action", ("hold", 3), ActionError("no", 3), "")
    assert fromstring(text).findtext("RESULT") == "0"
    assert values(text, "OUT") == ["false", "no", "2048"]


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("one.user.allocate", ("ann", "secret", "core")),
        ("one.user.passwd", (2, "secret")),
        ("one.user.login", ("ann", "secret", 60)),
        ("one.user.chauth", (2, "core", "secret")),
    ],
)
def test_passwords_are_not_told(method: str, parameters: tuple[object, ...]) -> None:
    text = call_info(method, parameters, "secret" if method.endswith("login") else 2, "")
    assert "secret" not in text
    assert values(text, "IN").count("****") == 2
