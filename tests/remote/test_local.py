from __future__ import annotations

import socket
from pathlib import Path

from opennebula_core.remote.local import local_names


def test_names_on_the_host_names_line_of_the_hosts_file_are_local(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    own = socket.gethostname()
    hosts.write_text(f"127.0.0.1 localhost\n10.0.0.5 FE.example.org {own} cloud # comment\n10.0.0.6 host1\n")
    names = local_names(hosts_file=hosts)
    assert {own.lower(), "fe.example.org", "cloud", "localhost", "::1"} <= names
    assert "host1" not in names
    assert "comment" not in names


def test_without_a_hosts_file_the_host_name_is_enough(tmp_path: Path) -> None:
    assert socket.gethostname().lower() in local_names(hosts_file=tmp_path / "none")
