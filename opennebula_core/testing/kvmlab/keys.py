"""The lab's ssh keys: one to log in with, one of each sshd, and the file that knows them all."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from opennebula_core.testing.kvmlab.blueprint import FRONT_END, Blueprint
from opennebula_core.testing.kvmlab.command import run, write_file
from opennebula_core.testing.kvmlab.services import ssh_config, sshd_config

THROUGH = """#!/bin/sh
# ssh's way in from outside: through the namespace, so that no route is needed
read -r pid start <{directory}/"$1"/pid || exit 1
set -- "$pid" "$start" "$2" $(sed 's/.*) //' "/proc/$pid/stat")
# the 23rd is the start time: behind a pid that was used again there is somebody else
[ "${{23}}" = "$2" ] || exit 1
exec nsenter -t "$1" -n nc 127.0.0.1 "$3"
"""


def make_keys(blueprint: Blueprint) -> None:
    """Make all keys and the clients' and the front-end's configuration."""
    folder = blueprint.settings.directory / "ssh"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_key(folder / "id_ed25519", "kvmlab")
    shutil.copy(folder / "id_ed25519.pub", folder / "authorized_keys")
    known = [_known_host(blueprint, name) for name in blueprint.names]
    write_file(folder / "known_hosts", "".join(known), 0o600)
    _write_configurations(blueprint, folder)


def _write_configurations(blueprint: Blueprint, folder: Path) -> None:
    directory = blueprint.settings.directory
    key, known = folder / "id_ed25519", folder / "known_hosts"
    through = directory / "through"
    write_file(through, THROUGH.format(directory=shlex.quote(str(directory))), 0o755)
    write_file(directory / "ssh_config", ssh_config(blueprint, key=key, known=known, through=through))
    inside = ssh_config(blueprint, key=key, known=known)
    write_file(blueprint.place(FRONT_END, "ssh_config"), inside)
    host_key = blueprint.place(FRONT_END, "host_key")
    configuration = sshd_config(key=host_key, authorized=folder / "authorized_keys")
    write_file(blueprint.place(FRONT_END, "sshd_config"), configuration)
    write_file(blueprint.place(FRONT_END, "hosts"), blueprint.hosts_file())


def _known_host(blueprint: Blueprint, name: str) -> str:
    key = blueprint.place(name, "host_key")
    key.parent.mkdir(parents=True, exist_ok=True)
    _make_key(key, name)
    kind, public = key.with_suffix(".pub").read_text().split()[:2]
    return f"{name},{blueprint.address(name)} {kind} {public}\n"


def _make_key(path: Path, comment: str) -> None:
    if not path.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
