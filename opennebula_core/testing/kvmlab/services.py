"""Configuration files of the lab's sshd, ssh, libvirtd and QEMU."""

from __future__ import annotations

import shlex
import uuid
from pathlib import Path

from opennebula_core.testing.kvmlab.blueprint import Blueprint
from opennebula_core.testing.kvmlab.cgroups import USED_BY_LIBVIRT

# MaxSessions stays at its default of 10, as on an operator's hosts
SSHD = """Port 22
ListenAddress 0.0.0.0
HostKey {key}
AuthorizedKeysFile {authorized}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
UsePAM no
StrictModes no
UseDNS no
PrintMotd no
AcceptEnv LANG LC_*
MaxStartups 100:30:200
Subsystem sftp internal-sftp
PidFile none
"""

SSH_HOST = """Host {name} {address}
  HostName {address}
  IdentityFile {key}
  IdentitiesOnly yes
  UserKnownHostsFile {known}
  StrictHostKeyChecking yes
  LogLevel ERROR
{more}"""

LIBVIRTD = """host_uuid = "{uuid}"
listen_tls = 0
listen_tcp = 1
listen_addr = "0.0.0.0"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "libvirt"
unix_sock_rw_perms = "0770"
keepalive_interval = 5
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""

QEMU = """user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
stdio_handler = "file"
vnc_listen = "0.0.0.0"
cgroup_controllers = [ {controllers} ]
cgroup_device_acl = [ "/dev/null", "/dev/full", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/ptmx",
  "/dev/kvm", "/dev/net/tun" ]
migration_host = "{name}"
"""


def sshd_config(*, key: Path, authorized: Path) -> str:
    """Return the configuration of an sshd that takes the lab's key only."""
    return SSHD.format(key=key, authorized=authorized)


def ssh_config(blueprint: Blueprint, *, key: Path, known: Path, through: Path | None = None) -> str:
    """Return a client's configuration, which knows all names of the lab.

    :param through: the program that stands for the network, for clients outside
    """
    blocks = []
    for name in blueprint.names:
        address = blueprint.address(name)
        more = f"  User root\n  ProxyCommand {shlex.quote(str(through))} {name} %p\n" if through else ""
        blocks.append(SSH_HOST.format(name=name, address=address, key=key, known=known, more=more))
    return "".join(blocks)


def libvirtd_conf(blueprint: Blueprint, name: str) -> str:
    """Return the configuration of a host's libvirtd: its own UUID, or migration is refused."""
    return LIBVIRTD.format(uuid=uuid.uuid5(uuid.NAMESPACE_OID, blueprint.tag + name))


def qemu_conf(name: str, controllers: list[str]) -> str:
    """Return the configuration of a host's QEMU guests.

    :param controllers: the cgroup controllers that are mounted on the host
    """
    usable = [f'"{controller}"' for controller in USED_BY_LIBVIRT if controller in controllers]
    return QEMU.format(name=name, controllers=", ".join(usable))
