from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def template(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a template."""
    name = fresh_name("template")
    cloud.make(f"onetemplate create --name {name} --cpu 0.1 --memory 32")
    return name


def test_a_template_is_listed_and_shown(cloud: Shell, template: str) -> None:
    header, row = cloud.ok(f"onetemplate list -f NAME={template}").splitlines()

    assert header.split() == ["ID", "USER", "GROUP", "NAME", "REGTIME"]
    assert row.split()[3] == template
    assert 'MEMORY="32"' in cloud.ok(f"onetemplate show {template}")


def test_vms_are_instantiated_with_changes(
    cloud: Shell, template: str, fresh_name: Callable[[str], str]
) -> None:
    stem = fresh_name("web")
    printed = cloud.ok(f"onetemplate instantiate {template} --name {stem}-%i -m 2 --memory 64 --hold")

    assert printed.count("ID: ") == 2
    rows = cloud.rows(f"onevm list -f NAME~^{stem}- -l NAME,MEM,STAT --sort NAME")
    assert rows == [[f"{stem}-{number}", str(64 << 20), "hold"] for number in (0, 1)]


def test_an_instance_runs_when_wait_returns(cloud: Shell, template: str, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.write_text('LABELS = "more"\n')

    vm_id = cloud.make(f"onetemplate instantiate {template} {extra} --wait --timeout 60")

    vm = cloud.document(f"onevm show {vm_id}")["VM"]
    assert (vm["LCM_STATE"], vm["USER_TEMPLATE"]["LABELS"]) == ("3", "more")


def test_a_template_is_cloned_changed_and_removed(cloud: Shell, template: str) -> None:
    copy = f"{template}-copy"
    cloud.make(f"onetemplate clone {template} {copy}")

    cloud.ok(f"onetemplate update {copy}", "-", stdin="CPU = 2\nMEMORY = 16\n")
    content = cloud.document(f"onetemplate show {copy}")["VMTEMPLATE"]["TEMPLATE"]

    assert content == {"CPU": "2", "MEMORY": "16"}
    cloud.ok(f"onetemplate delete {template},{copy}")
