"""Files that make a host itself: its name, its services' configuration, who may log in."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from opennebula_core.testing.kvmlab.blueprint import Blueprint
from opennebula_core.testing.kvmlab.command import write_file
from opennebula_core.testing.kvmlab.services import libvirtd_conf, qemu_conf, ssh_config, sshd_config

USER = "oneadmin"
USER_ID = 9869
"""Source: the oneadmin of OpenNebula's packages."""
USER_HOME = "/var/lib/one"
USER_GROUPS = ("libvirt", "kvm")

LOGIN_SCRIPTS = (".bashrc", ".profile", ".bash_profile", ".bash_login")


def write_files(blueprint: Blueprint, name: str, root: Path, controllers: list[str]) -> None:
    """Write all of them under the host's root.

    :param controllers: the cgroup controllers mounted there
    """
    etc = root / "etc"
    machine_id = hashlib.md5((blueprint.tag + name).encode(), usedforsecurity=False).hexdigest()
    write_file(etc / "hostname", name + "\n")
    write_file(etc / "hosts", blueprint.hosts_file())
    write_file(etc / "machine-id", machine_id + "\n")
    shutil.rmtree(etc / "libvirt", ignore_errors=True)
    write_file(etc / "libvirt/libvirtd.conf", libvirtd_conf(blueprint, name))
    write_file(etc / "libvirt/qemu.conf", qemu_conf(name, controllers))
    write_file(etc / "libvirt/libvirt.conf", "")
    _write_ssh(blueprint, name, root)
    _add_user(root)


def _write_ssh(blueprint: Blueprint, name: str, root: Path) -> None:
    host_key = Path("/etc/ssh/kvmlab_host_key")
    _copy(blueprint.place(name, "host_key"), root / host_key.relative_to("/"), 0o600)
    server = sshd_config(key=host_key, authorized=Path(".ssh/authorized_keys"))
    write_file(root / "etc/ssh/sshd_config", server)
    client = ssh_config(blueprint, key=Path("~/.ssh/id_ed25519"), known=Path("~/.ssh/known_hosts"))
    write_file(root / "etc/ssh/ssh_config", client)
    for script in LOGIN_SCRIPTS:
        # a host's login says nothing and sets nothing
        (root / "root" / script).unlink(missing_ok=True)
    _authorize(blueprint, root / "root", 0)
    _authorize(blueprint, root / USER_HOME.strip("/"), USER_ID)


def _authorize(blueprint: Blueprint, home: Path, user_id: int) -> None:
    """Let the lab's key in, and let that user out to all other hosts."""
    keys = blueprint.settings.directory / "ssh"
    folder = home / ".ssh"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    _copy(keys / "id_ed25519", folder / "id_ed25519", 0o600)
    for file in ("id_ed25519.pub", "authorized_keys", "known_hosts"):
        _copy(keys / file, folder / file, 0o644)
    for path in (home, folder, *folder.iterdir()):
        os.chown(path, user_id, user_id)


def _add_user(root: Path) -> None:
    """Add the user whom the cloud's documentation proposes for hosts: no root, libvirt by its group."""
    etc = root / "etc"
    entry = f"{USER}:x:{USER_ID}:{USER_ID}::{USER_HOME}:/bin/bash"
    _rewrite(etc / "passwd", [*_others(etc / "passwd"), entry])
    # "*" is no password that anybody could give, but unlike "!" not locked for keys
    _rewrite(etc / "shadow", [*_others(etc / "shadow"), f"{USER}:*:19700:0:99999:7:::"])
    groups = [_with_member(line) for line in _others(etc / "group")]
    _rewrite(etc / "group", [*groups, f"{USER}:x:{USER_ID}:"])


def _others(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith(f"{USER}:")]


def _with_member(group: str) -> str:
    name, password, number, members = group.split(":")
    if name not in USER_GROUPS:
        return group
    listed = [member for member in members.split(",") if member and member != USER]
    return f"{name}:{password}:{number}:{','.join([*listed, USER])}"


def _rewrite(path: Path, lines: list[str]) -> None:
    # in place: owner and mode stay
    path.write_text("".join(f"{line}\n" for line in lines))


def _copy(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    target.chmod(mode)
