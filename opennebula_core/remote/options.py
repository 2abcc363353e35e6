"""How hosts are reached: what an administrator may set, with defaults that work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from opennebula_core.contracts.driver import Driver, Option

BYTES_PER_MIB = 1024 * 1024

REMOTE_OPTIONS = (
    Option("ssh_user", str, "", "User on the hosts; empty: ~/.ssh/config decides, else the current user."),
    Option("ssh_port", int, 0, "Port of sshd on the hosts; 0: ~/.ssh/config decides, else 22."),
    Option(
        "ssh_key", str, "", "Private key files, separated by blanks; empty: ssh's usual ones and its agent."
    ),
    Option(
        "ssh_known_hosts", str, "", "More known_hosts files, separated by blanks, beside ssh's usual ones."
    ),
    Option("ssh_config", str, "", "Configuration file of ssh; empty: ~/.ssh/config."),
    Option("local_hosts", str, "", "More names of this very machine, separated by blanks: used without ssh."),
    Option("connect_timeout_s", int, 10, "Seconds within which a connection must stand, login included."),
)
"""The settings of every driver that works on hosts; put them into the driver's ``options``."""


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """How to reach hosts.

    :param user: empty and ``port`` 0: what ``config_file`` says, else ssh's defaults
    :param known_hosts: files with host keys, beside those that ssh itself would read
    :param config_file: an ssh configuration; empty: ``~/.ssh/config``
    :param local_names: further names of this very machine
    :param connect_timeout: for name look-up, connection and login together
    :param idle_timeout: after this long without a session a connection is closed
    :param keepalive: a host that leaves three such periods unanswered counts as gone
    :param stall_timeout: a copy that moves no byte for this long has failed
    :param sessions_per_connection: OpenSSH's sshd allows ten (its MaxSessions)
    :param bandwidth_bytes_per_s: limit for each copy between machines; 0: none
    """

    user: str = ""
    port: int = 0
    key_files: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    config_file: str = ""
    local_names: tuple[str, ...] = ()
    connect_timeout: timedelta = timedelta(seconds=10)
    idle_timeout: timedelta = timedelta(minutes=5)
    keepalive: timedelta = timedelta(seconds=15)
    stall_timeout: timedelta = timedelta(seconds=60)
    sessions_per_connection: int = 8
    connections_per_host: int = 4
    bandwidth_bytes_per_s: int = 0

    @classmethod
    def from_driver(cls, driver: Driver, bandwidth_mib_s: float = 0.0) -> Self:
        """Return what the settings of a driver that declares :data:`REMOTE_OPTIONS` say."""
        return cls(
            user=str(driver.setting("ssh_user")),
            port=int(driver.setting("ssh_port")),
            key_files=tuple(str(driver.setting("ssh_key")).split()),
            known_hosts=tuple(str(driver.setting("ssh_known_hosts")).split()),
            config_file=str(driver.setting("ssh_config")),
            local_names=tuple(str(driver.setting("local_hosts")).split()),
            connect_timeout=timedelta(seconds=int(driver.setting("connect_timeout_s"))),
            bandwidth_bytes_per_s=int(bandwidth_mib_s * BYTES_PER_MIB),
        )
