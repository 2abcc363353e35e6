from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from opennebula_core.testing.kvmlab import Lab
from opennebula_core.testing.kvmlab.cli import kvmlab
from opennebula_core.testing.kvmlab.command import run


def invoke(lab_directory: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner(env={"KVMLAB_DIR": str(lab_directory)}).invoke(kvmlab, arguments)
    return result.exit_code, result.output


def kvmlab_program(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line as a program, which for exec becomes the other one."""
    environment = os.environ | lab.blueprint.settings.environment()
    argv = [sys.executable, "-m", "opennebula_core.testing.kvmlab", *arguments]
    return subprocess.run(argv, env=environment, capture_output=True, check=False)


def test_without_a_lab_commands_say_how_to_get_one(tmp_path: Path) -> None:
    for command in ("status", "down"):
        code, output = invoke(tmp_path, command)
        assert code == 1
        assert output == f"Error: no lab in {tmp_path}: start one, or set KVMLAB_DIR\n"


@pytest.mark.integration
def test_status_tells_of_each_host(lab: Lab) -> None:
    code, output = invoke(lab.directory, "status", "--json")
    status = json.loads(output)
    assert code == 0
    assert status["hosts"]["host1"]["ip"] == "10.77.0.1"
    assert status["hosts"]["host2"]["guests"] == []
    assert all(host["ready"] for host in status["hosts"].values())


@pytest.mark.integration
def test_exec_passes_options_and_status_of_the_program_on(lab: Lab) -> None:
    assert kvmlab_program(lab, "exec", "host2", "--", "hostname", "-s").stdout == b"host2\n"
    assert kvmlab_program(lab, "exec", "fe", "sh", "-c", "exit 7").returncode == 7
    assert kvmlab_program(lab, "ssh", "host1", "hostname").stdout == b"host1\n"


@pytest.mark.integration
def test_the_second_lab_in_a_directory_is_refused(lab: Lab) -> None:
    code, output = invoke(lab.directory, "up", "1")
    assert code == 1
    assert "one is up there" in output


@pytest.mark.integration
def test_a_context_cd_has_its_label_and_quotes_values(lab_packages: None, tmp_path: Path) -> None:
    image = tmp_path / "context.iso"
    code, _ = invoke(tmp_path, "context-iso", str(image), "VMID=7", "NOTE=it's $HOME")
    assert code == 0
    found = run(["xorriso", "-indev", str(image), "-osirrox", "on", "-extract", "/", str(tmp_path / "cd")])
    assert found == ""
    script = f'. {tmp_path}/cd/context.sh; printf \'%s:%s\' "$VMID" "$NOTE"'
    assert run(["sh", "-c", script]) == "7:it's $HOME"
    assert image.read_bytes()[32808:32815] == b"CONTEXT"


@pytest.mark.integration
def test_a_domain_is_escaped(lab_packages: None, tmp_path: Path) -> None:
    code, output = invoke(tmp_path, "domain-xml", "a<b", "/tmp/d'isk", "--nic", "02:00:0a:4d:00:65@br1")
    assert code == 0
    assert "<name>a&lt;b</name>" in output
    assert '<source file="/tmp/d\'isk"/>' in output
    assert '<source bridge="br1"/>' in output
