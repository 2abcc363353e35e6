from __future__ import annotations

import subprocess

import pytest
from click.testing import CliRunner

from tests.cli.shell import Program, Shell


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_covers_all_programs(cloud: Shell, shell: str) -> None:
    script = cloud.ok(f"one completion {shell}")

    for program in ("one", "onevm", "onehost", "oneacl"):
        assert f"_{program.upper()}_COMPLETE={shell}_complete" in script


def test_bash_can_read_the_script(cloud: Shell) -> None:
    script = cloud.ok("one completion bash")

    subprocess.run(["bash", "-n"], input=script.encode(), check=True)


def complete(cloud: Shell, words: str, number: int, location: str = "") -> list[str]:
    """Return what bash would offer for one of the words."""
    environment = {
        "_ONEHOST_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(number),
        "ONE_LOCATION": location or str(cloud.location),
        "ONE_XMLRPC": None,
        "ONE_AUTH": None,
    }
    result = CliRunner().invoke(Program("onehost"), [], env=environment)  # type: ignore[arg-type] # as Shell.run
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


def test_commands_options_and_names_are_completed(cloud: Shell) -> None:
    assert complete(cloud, "onehost en", 1) == ["enable"]
    assert complete(cloud, "onehost list --js", 2) == ["--json"]
    assert {"host01", "host02"} <= set(complete(cloud, "onehost show host0", 2))
    assert "host01,host02" in complete(cloud, "onehost disable host01,host02", 2)


def test_a_cloud_that_does_not_answer_completes_nothing(cloud: Shell, tmp_path: str) -> None:
    assert complete(cloud, "onehost show h", 2, str(tmp_path)) == []
