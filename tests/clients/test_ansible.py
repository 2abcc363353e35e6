from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.shell import wait_until

from .conftest import Cloud, Environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


def test_the_modules_of_the_community_live_a_whole_life(cloud: Cloud, ansible: Environment) -> None:
    # The module that removes an image fails when it is gone before its first look.
    control = cloud.shell.location / "var/dummy/control.json"
    control.parent.mkdir(parents=True, exist_ok=True)
    control.write_text('{"datastore/RM": {"delay_s": 12}}')
    variables = {
        **cloud.environment,
        "ANSIBLE_COLLECTIONS_PATH": str(ansible.folder / "collections"),
        "ANSIBLE_HOME": str(ansible.folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [
        ansible.program("ansible-playbook"),
        "--extra-vars",
        f"ansible_python_interpreter={ansible.program('python')}",
        str(Path(__file__).with_name("life.yml")),
    ]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: cloud.shell.rows("oneimage list") == [])
    for listing in ("onevm", "onevnet", "onetemplate"):
        assert cloud.shell.rows(f"{listing} list") == []
    assert {row[0] for row in cloud.shell.rows("onehost list -l NAME")} == {"host01", "host02"}
