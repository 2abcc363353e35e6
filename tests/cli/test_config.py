from __future__ import annotations

import json
import tomllib
from pathlib import Path

from tests.cli.shell import Shell


def test_a_fine_file_is_told_so(cloud: Shell) -> None:
    assert cloud.ok("one config check").endswith("oned.toml is fine.\n")


def test_everything_that_is_wrong_is_told(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "oned.toml").write_text("[api]\nprot = 1\nlisten = 2\n")

    said = Shell(tmp_path).refused("one config check")

    assert "did you mean 'api.port'?" in said
    assert "api.listen" in said


def test_the_settings_in_force_are_shown(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    text = '[scheduler]\npolicy = "mine"\n[scheduler.mine]\nx = 1\n[drivers.vmm.kvm.options]\ny = "z"\n'
    (tmp_path / "etc" / "oned.toml").write_text(text)
    shell = Shell(tmp_path)

    shown = tomllib.loads(shell.ok("one config show"))
    assert shown["scheduler"]["mine"] == {"x": 1}
    assert shown["drivers"]["vmm"]["kvm"]["options"] == {"y": "z"}
    assert shown["api"]["port"] == 2633
    assert json.loads(shell.ok("one config show api --json"))["api"]["listen"] == "127.0.0.1"
    assert "no section 'apis'" in shell.misused("one config show apis")


def test_misspelt_policies_drivers_options_and_plugins_are_named(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "oned.toml").write_text(
        """[scheduler]
policy = "defualt"
[scheduler.haizea]
bakcfilling = "off"
[scheduler.haizae]
x = 1
[drivers.vmm.kmv]
threads = 2
[drivers.im.ssh.options]
nonsense = 1
[drivers.vmm.old]
executable = "/bin/true"
options = { anything = 1 }
"""
    )

    said = Shell(tmp_path).refused("one config check")

    assert "scheduler.policy is 'defualt': no policy of that name; installed are default, dummy" in said
    assert "did you mean 'default'?" in said
    assert "'bakcfilling' of scheduler.haizea" in said
    assert "did you mean 'backfilling'?" in said
    assert "section [scheduler.haizae]: no policy of that name" in said
    assert "section [drivers.vmm.kmv]: no vmm driver of that name" in said
    assert "did you mean 'kvm'?" in said
    assert "'nonsense' of drivers.im.ssh.options" in said
    assert "drivers.vmm.old" not in said
