from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from opennebula_core.testing.ports import free_port
from tests.cli.shell import Shell, program

BIN = Path(sys.executable).parent
ALONE = Path(__file__).parent / "alone.sh"
LIMIT_S = 600


def environment(location: Path) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("ONE_")}
    return {**own, "ONE_LOCATION": str(location), "COLUMNS": "200"}


def test_who_is_not_root_gets_the_dummy_hypervisor_and_is_told_why(tmp_path: Path) -> None:
    # In a user namespace where nobody is mapped to root.
    up = ["unshare", "--user", str(BIN / "one"), "up", "--port", str(free_port())]
    try:
        first = subprocess.run(up, env=environment(tmp_path), capture_output=True, timeout=120)
        said = first.stdout.decode()
        assert first.returncode == 0, said + first.stderr.decode()
        assert "No real guests here, the dummy hypervisor is used: you are not root." in said
        assert re.search(r"\bfirst\b.*\brunn\b", said)
        assert len(said.partition("Next:\n")[2].splitlines()) == 3

        again = subprocess.run(up[:-2], env=environment(tmp_path), capture_output=True, timeout=120)
        assert again.returncode == 0, again.stderr.decode()
        assert len(Shell(tmp_path).rows("onevm list")) == 1
    finally:
        ended = program("one", "down", location=tmp_path)
    assert "The cloud is down." in ended


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, for sockets are to lie in it."""
    path = Path(mkdtemp(prefix="up-"))
    yield path
    subprocess.run(["rm", "-rf", "--one-file-system", str(path)], check=True)


def alone(folder: Path, script: str) -> str:
    """Run a shell script on a machine of its own and return what it printed."""
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
    completed = subprocess.run(
        [*namespaces, "sh", str(ALONE), str(folder), "sh", "-c", script],
        env={**environment(folder / "cloud"), "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        timeout=LIMIT_S,
    )
    said = completed.stdout.decode()
    assert completed.returncode == 0, said + completed.stderr.decode()
    return said


SCRIPT = """
set -eu
say() { echo "== $1"; }
say up; one up --port 2633
say again; one up
say facts; onevm list --json; onehost list --csv --no-header -l STAT,IM,VMM
address=$(onevm list --csv --no-header -l IP)
say answer; wget -qO- "http://$address/cgi-bin/status" || curl -s "http://$address/cgi-bin/status"
say bridges; ls /sys/class/net
say second; onetemplate instantiate small --name second --wait
say down; one down
say left; ps -eo args= | grep -v -e '^ps ' -e '^grep ' -e '^sh ' || true; ls /sys/class/net
say up once more; one up
say states; onevm list --csv --no-header -l NAME,STAT --sort NAME
say end; one down
"""


@pytest.mark.integration
def test_a_real_guest_answers_and_nothing_is_left_behind(lab_packages: None, folder: Path) -> None:
    said = alone(folder, SCRIPT)
    sections = dict(re.findall(r"^== ([a-z ]+)\n(.*?)(?=^== |\Z)", said, re.MULTILINE | re.DOTALL))

    assert re.search(r"\bfirst\b.*\brunn\b", sections["up"])
    (vm,) = json.loads(sections["facts"].partition("\n}\n")[0] + "\n}")["VM_POOL"]["VM"]
    assert (vm["STATE"], vm["LCM_STATE"]) == ("3", "3")
    assert "on,kvm,kvm" in sections["facts"]
    assert "hostname=first" in sections["answer"]
    assert "onebr-up0" in sections["bridges"]
    assert "Terminating VM 0 (first)." in sections["down"]
    assert "Powering off VM 1 (second); its disks stay." in sections["down"]
    assert "start them with: onevm resume 1\n" in sections["down"]
    assert sections["left"].split() == ["lo"]
    assert sections["states"].split() == ["first,runn", "second,poff"]
    assert not (folder / "one" / "datastores" / "0" / "0").exists()


UNABLE = """
set -eu
setpriv --inh-caps -net_admin --bounding-set -net_admin one up --port 2633
ps -eo comm= | grep -c -e libvirtd -e virtlogd || true
one down
"""


@pytest.mark.integration
def test_where_no_bridge_can_be_made_nothing_is_left_of_the_attempt(lab_packages: None, folder: Path) -> None:
    said = alone(folder, UNABLE)

    assert "the dummy hypervisor is used: ip: RTNETLINK answers: Operation not permitted." in said
    assert re.search(r"\bfirst\b.*\brunn\b", said)
    assert said.endswith("\n0\nThe cloud is down.\n")
