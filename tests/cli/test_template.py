from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from opennebula_core.model.template import Template
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
    cloud.ok(f"onetemplate delete --recursive {template},{copy}")


def test_a_template_is_copied_and_made_into_a_vm_with_its_images(cloud: Shell, template: str) -> None:
    copies = [cloud.make(f"onetemplate clone --recursive {template} {template}-whole")]
    vm_id = cloud.make(f"onetemplate instantiate {template} --name {template}-own --hold --persistent")
    vm = cloud.document(f"onevm show {vm_id}")["VM"]
    copies.append(int(vm["TEMPLATE"]["TEMPLATE_ID"]))
    assert cloud.document(f"onetemplate show {copies[1]}")["VMTEMPLATE"]["NAME"] == f"{template}-own"
    cloud.ok(f"onevm terminate --hard {vm_id}")
    cloud.ok(f"onetemplate delete {template},{copies[0]},{copies[1]}")


@pytest.fixture
def asking(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a template that asks for two inputs."""
    name = fresh_name("asking")
    text = (
        f"NAME = {name}\nCPU = 0.1\nMEMORY = 32\n"
        'USER_INPUTS = [ BLOG_TITLE = "M|text|Title of the blog", SHARDS = "O|range|Shards|1..4|2" ]\n'
    )
    cloud.make("onetemplate create", "-", stdin=text)
    return name


def given(cloud: Shell, vm_id: int) -> tuple[str, str]:
    content = cloud.document(f"onevm show {vm_id}")["VM"]["USER_TEMPLATE"]
    return content["BLOG_TITLE"], content["SHARDS"]


def test_user_inputs_are_given_as_an_option_and_defaults_fill_in(cloud: Shell, asking: str) -> None:
    vm_id = cloud.make(f"onetemplate instantiate {asking} --hold --user-inputs", "BLOG_TITLE=Salt, pepper")

    assert given(cloud, vm_id) == ("Salt, pepper", "2")


def test_user_inputs_are_asked_for_until_they_fit(cloud: Shell, asking: str) -> None:
    result = cloud.run(f"onetemplate instantiate {asking} --hold -i", stdin="Salt\n9\n3\n")

    assert result.exit_code == 0, result.output
    assert "BLOG_TITLE: Title of the blog" in result.stderr
    assert "'9' is not within 1..4" in result.stderr
    assert given(cloud, int(result.stdout.rpartition("ID: ")[2])) == ("Salt", "3")


def test_a_user_input_that_is_missing_or_wrong_is_told(cloud: Shell, asking: str) -> None:
    assert "input BLOG_TITLE (Title of the blog) is needed" in cloud.refused(
        f"onetemplate instantiate {asking}"
    )
    words = "BLOG_TITLE=x,SHARDS=many"
    assert "'many' is no whole number" in cloud.refused(
        f"onetemplate instantiate {asking} --user-inputs {words}"
    )
    assert "asks for no 'TITLE'" in cloud.misused(f"onetemplate instantiate {asking} --user-inputs TITLE=x")


def test_a_dry_run_prints_the_template_and_makes_nothing(
    cloud: Shell, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    script, name = tmp_path / "start.sh", fresh_name("tmpl")
    script.write_text('echo "hello"\n')
    what = f"--name {name} --cpu 1 --memory 16 --vnc --boot disk0 --arch x86_64 --startscript {script} --dry"

    for program in ("onetemplate", "onevm"):
        said = Template.parse(cloud.ok(f"{program} create {what}"))

        assert said.get("NAME") == name
        assert dict(said.vector("OS") or {}) == {"BOOT": "disk0", "ARCH": "x86_64"}
        assert dict(said.vector("GRAPHICS") or {}) == {"TYPE": "VNC"}
        context = said.vector("CONTEXT")
        assert context is not None
        assert b64decode(context["START_SCRIPT_BASE64"]) == b'echo "hello"\n'
        assert cloud.rows(f"{program} list -f NAME={name}") == []
