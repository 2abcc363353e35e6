from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.cli.vm.ssh import NoAddressError, address_of
from tests.cli.shell import Shell

NICS = (
    "<VM><ID>7</ID><TEMPLATE><NIC><NIC_ID>0</NIC_ID><MAC>02:00:00:00:00:01</MAC></NIC>"
    "<NIC><NIC_ID>1</NIC_ID><IP>10.0.0.7</IP></NIC><NIC><NIC_ID>2</NIC_ID><IP>-oProxyCommand=x</IP>"
    "<IP6_GLOBAL>2001:db8::7</IP6_GLOBAL></NIC></TEMPLATE></VM>"
)


def test_the_address_of_the_first_nic_that_has_one_is_used() -> None:
    assert address_of(fromstring(NICS), None) == "10.0.0.7"


def test_a_nic_may_be_named_and_what_is_no_address_is_passed_over() -> None:
    assert address_of(fromstring(NICS), 2) == "2001:db8::7"


def test_a_nic_without_an_address_is_told() -> None:
    with pytest.raises(NoAddressError, match="no address on NIC 0"):
        address_of(fromstring(NICS), 0)


def test_ssh_is_run_with_the_login_and_the_command(
    cloud: Shell, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    network, vm = fresh_name("net"), fresh_name("vm")
    cloud.make(f"onevnet create --name {network} --driver dummy --bridge br0 --ip 10.9.0.1 --size 2")
    cloud.make(f"onevm create --name {vm} --cpu 0.1 --memory 16 --nic {network} --hold")
    recorder = tmp_path / "ssh"
    recorder.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    recorder.chmod(0o755)

    said = subprocess.run(
        [str(Path(sys.executable).parent / "onevm"), "ssh", vm, "admin", "--cmd", "uptime -p",
         "--ssh-options", "-o ConnectTimeout=5"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "ONE_LOCATION": str(cloud.location)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert said.stdout.splitlines() == ["-o", "ConnectTimeout=5", "--", "admin@10.9.0.1", "uptime -p"]
