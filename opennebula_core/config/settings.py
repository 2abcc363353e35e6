"""Every section of ``oned.toml`` with its settings, their defaults, limits and meaning.

This is the one place where a setting is declared: reading, checking, the commented default file and the
manual's completeness test go by it. Units are in the names; times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from opennebula_core.config.options import OptionValue
from opennebula_core.contracts.kinds import plugin_word
from opennebula_core.errors import ConfigError

T = TypeVar("T")

DEFAULT_PORT: Final = 2633
DEFAULT_VERSION: Final = "7.4.0"
"""A release that every client takes: the 7.4 command line refuses 6.x, Terraform wants at least 6.4."""
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
RULE: Final = "rule"
"""Key of a field's metadata under which its :class:`Rule` is kept."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting means and what it may be.

    :param pattern: a regular expression that the whole text must match; empty: any text
    :param expected: how to describe the pattern to a person
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    expected: str = ""


def setting(default: T, rule: Rule) -> T:
    """Declare a field of a section."""
    declared: T = field(default=default, metadata={RULE: rule})
    return declared


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The XML-RPC server."""

    listen: str = setting(
        "127.0.0.1",
        Rule("address to listen on; use TLS (certificate and key) before opening it to a network"),
    )
    port: int = setting(DEFAULT_PORT, Rule("TCP port", minimum=1, maximum=65535))
    certificate: str = setting(
        "", Rule("file with the TLS certificate chain (PEM), relative to etc/; empty: plain HTTP")
    )
    key: str = setting("", Rule("file with the certificate's private key (PEM), relative to etc/"))
    max_request_mib: int = setting(16, Rule("largest request that is read", minimum=1, maximum=1024))
    session_s: int = setting(
        900, Rule("how long a checked password is remembered; 0: check each time", minimum=0)
    )
    version: str = setting(
        DEFAULT_VERSION,
        Rule(
            "OpenNebula release that clients are told; some refuse what is not their own",
            pattern=r"\d+\.\d+\.\d+",
            expected="a release such as 6.10.5",
        ),
    )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the state is kept."""

    url: str = setting(
        "sqlite",
        Rule(
            "sqlite (var/one.db) or sqlite:///absolute/path",
            pattern=r"sqlite|sqlite:///.+",
            expected="sqlite or sqlite:///path",
        ),
    )

    def sqlite_file(self, default: Path) -> Path:
        """Return the file of the SQLite database; ``default`` when the address names none."""
        path = self.url.removeprefix("sqlite").removeprefix("://")
        return Path(path) if path else default


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """The scheduler process. ``[scheduler.POLICY]`` holds the options of a policy.

    :param options: policy name -> its options as written, checked by the policy's declaration when it loads
    """

    policy: str = setting("default", Rule("the policy that places VMs, as `one plugin list` names it"))
    interval_s: float = setting(
        15.0, Rule("longest time between two rounds; changes wake it sooner", minimum=0.1)
    )
    max_vms: int = setting(5000, Rule("most VMs looked at in a round; 0: no limit", minimum=0))
    max_dispatch: int = setting(0, Rule("most VMs placed in a round; 0: no limit", minimum=0))
    max_host: int = setting(0, Rule("most VMs placed on one host in a round; 0: no limit", minimum=0))
    live_rescheds: bool = setting(False, Rule("migrate VMs flagged resched live"))
    options: Mapping[str, Mapping[str, OptionValue]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DriverSettings:
    """One driver, ``[drivers.KIND.NAME]``; one that is not configured has these defaults.

    :param options: ``[drivers.KIND.NAME.options]`` as written, checked by the driver's own declaration
    """

    executable: str = setting(
        "", Rule("program to run as the driver instead of the plugin of that name; relative to etc/")
    )
    arguments: str = setting("", Rule("command line of that program, one text as in OpenNebula"))
    dialect: str = setting(
        "6.10",
        Rule(
            "OpenNebula release whose protocol the program speaks",
            pattern=r"\d+\.\d+",
            expected="a release such as 6.10",
        ),
    )
    threads: int = setting(
        16, Rule("actions that block a thread and may run at the same time", minimum=1, maximum=1024)
    )
    timeout_s: float = setting(
        0.0, Rule("longest time an action may take; 0: each action's own limit", minimum=0)
    )
    description: str = setting(
        "", Rule("vmm only: the plugin that writes deployment descriptions for the program")
    )
    password_change: bool = setting(
        True, Rule("auth only: the driver's users may change their passwords; administrators always may")
    )
    max_token_time_s: int = setting(
        -1,
        Rule("auth only: longest life of its users' login tokens; 0: none at all, -1: no limit", minimum=-1),
    )
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """What is asked of hosts and how often, and where monitoring messages are received."""

    host_period_s: int = setting(30, Rule("between two looks at a host's use of CPU and memory", minimum=1))
    vm_period_s: int = setting(30, Rule("between two looks at the use of the VMs", minimum=1))
    vm_state_period_s: int = setting(5, Rule("between two looks at which VMs are there", minimum=1))
    system_period_s: int = setting(600, Rule("between two looks at what does not change", minimum=1))
    beacon_period_s: int = setting(30, Rule("between two signs of life of a host", minimum=1))
    host_timeout_s: int = setting(180, Rule("silence after which a host counts as failed", minimum=5))
    retention_s: int = setting(86400, Rule("how long samples are kept", minimum=60))
    listen: str = setting("127.0.0.1", Rule("address that receives monitoring messages, UDP and TCP"))
    port: int = setting(0, Rule("port for monitoring messages; 0: any free one", minimum=0, maximum=65535))


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """What is installed and shall not be used."""

    disabled: tuple[str, ...] = setting(
        (),
        Rule("plugins that are left out, by name; drivers and policies as KIND/NAME, such as vmm/kvm"),
    )

    def leaves_out(self, kind: str, name: str) -> bool:
        """Say whether an extension shall not be used."""
        return plugin_word(kind, name) in self.disabled

    def check(self, kind: str, name: str) -> None:
        """Make sure that a driver or policy may be used.

        :raises ConfigError: it is left out
        """
        if self.leaves_out(kind, name):
            raise ConfigError(
                f"use {kind} {name!r}: [plugins] disabled leaves it out; "
                f"`one plugin enable {kind} {name}` lets it in"
            )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The logs in var/log.

    :param levels: other levels than ``level``, by plugin (``audit``, ``vmm/kvm``) or name of a logger
    """

    level: str = setting("info", Rule("least severity that is written", choices=LOG_LEVELS))
    levels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatastoreSettings:
    """Disks of VMs on the hosts."""

    path: str = setting(
        "/var/lib/one/datastores",
        Rule(
            "folder of the datastores on every host",
            pattern=r"/[A-Za-z0-9._/-]*",
            expected="an absolute path of letters, digits, '.', '_', '-'",
        ),
    )


VM_RESTRICTED: Final = (
    "CONTEXT/FILES",
    "CPU_COST",
    "DISK/ORIGINAL_SIZE",
    "DISK/READ_BYTES_SEC",
    "DISK/READ_IOPS_SEC",
    "DISK/SOURCE",
    "DISK/TOTAL_BYTES_SEC",
    "DISK/TOTAL_IOPS_SEC",
    "DISK/WRITE_BYTES_SEC",
    "DISK/WRITE_IOPS_SEC",
    "DISK_COST",
    "EMULATOR",
    "MEMORY_COST",
    "NIC/BRIDGE",
    "NIC/FILTER",
    "NIC/INBOUND_AVG_BW",
    "NIC/INBOUND_PEAK_BW",
    "NIC/INBOUND_PEAK_KB",
    "NIC/MAC",
    "NIC/OUTBOUND_AVG_BW",
    "NIC/OUTBOUND_PEAK_BW",
    "NIC/OUTBOUND_PEAK_KB",
    "NIC/VLAN_ID",
    "NIC_ALIAS/MAC",
    "NIC_DEFAULT/BRIDGE",
    "NIC_DEFAULT/MAC",
    "NIC_DEFAULT/VLAN_ID",
    "PCI",
    "RAW",
    "USER_PRIORITY",
)
NETWORK_RESTRICTED: Final = (
    "AR/BRIDGE",
    "AR/FILTER",
    "AR/FILTER_IP_SPOOFING",
    "AR/FILTER_MAC_SPOOFING",
    "AR/PHYDEV",
    "AR/VLAN_ID",
    "AR/VN_MAD",
    "BRIDGE",
    "BRIDGE_CONF",
    "CONF",
    "FILTER",
    "FILTER_IP_SPOOFING",
    "FILTER_MAC_SPOOFING",
    "IP_LINK_CONF",
    "OUTER_VLAN_ID",
    "OVS_BRIDGE_CONF",
    "PHYDEV",
    "VLAN_ID",
    "VN_MAD",
)


@dataclass(frozen=True, slots=True)
class VmSettings:
    """Defaults of VMs."""

    submit_on_hold: bool = setting(False, Rule("new VMs start in HOLD"))
    vnc_port_start: int = setting(
        5900, Rule("first port for consoles; a VM takes this plus its id", minimum=1, maximum=65535)
    )
    snapshots: int = setting(
        100,
        Rule("snapshots that a VM, and each of its disks, may have", minimum=1, maximum=10_000),
    )
    restricted_attributes: tuple[str, ...] = setting(
        VM_RESTRICTED,
        Rule(
            "attributes of VMs and their templates that only administrators may set, change or remove, "
            "as NAME or VECTOR/KEY; what they have written may be used and copied as it is"
        ),
    )


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Commands that run on events; they lie in ``var/remotes/hooks``."""

    concurrency: int = setting(10, Rule("commands that run at the same time", minimum=1, maximum=32))
    timeout_s: float = setting(
        600.0, Rule("longest time of a command whose hook has no TIMEOUT", minimum=1, maximum=86400)
    )
    waiting: int = setting(
        5000,
        Rule(
            "executions of each hook that may wait for others; events that come then are dropped, and the "
            "log says how many",
            minimum=1,
            maximum=1_000_000,
        ),
    )
    log_kept: int = setting(20, Rule("executions of each hook that the log keeps", minimum=1, maximum=10000))
    allowed_folders: tuple[str, ...] = setting(
        (), Rule("further folders whose programs may be run, here or on hosts, as absolute paths")
    )
    remote_folder: str = setting(
        "/var/lib/one/hooks",
        Rule(
            "folder of the commands on hosts, for hooks with REMOTE; the user there has to own it",
            pattern=r"/.*",
            expected="an absolute path",
        ),
    )
    ssh_config: str = setting("", Rule("configuration file of ssh for those; empty: ~/.ssh/config"))
    ssh_user: str = setting("", Rule("user on the hosts; empty: ssh's configuration decides"))


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Defaults of images."""

    device_prefix: str = setting("vd", Rule("bus of a disk that names none", choices=("vd", "sd", "hd")))
    restricted_attributes: tuple[str, ...] = setting(
        ("SOURCE",), Rule("attributes of images that only administrators may set")
    )


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Defaults of virtual networks."""

    mac_prefix: str = setting(
        "02:00",
        Rule(
            "first two bytes of generated MAC addresses",
            pattern=r"[0-9a-fA-F][26aeAE]:[0-9a-fA-F]{2}",
            expected="two bytes of a locally administered unicast address, such as 02:00",
        ),
    )
    restricted_attributes: tuple[str, ...] = setting(
        NETWORK_RESTRICTED,
        Rule(
            "attributes of networks and address ranges (AR/KEY) that only administrators may change, "
            "whoever made the network, and that only they write into templates of networks"
        ),
    )


@dataclass(frozen=True, slots=True)
class UserSettings:
    """Defaults of users."""

    default_auth: str = setting(
        "",
        Rule(
            "auth driver that is asked about names which are not known, and makes users of them; empty: none",
            pattern=r"|[A-Za-z][A-Za-z0-9_-]*",
            expected="the name of an auth driver",
        ),
    )
    umask: str = setting(
        "177",
        Rule(
            "permissions that new objects do not get",
            pattern=r"[0-7]{3}",
            expected="three octal digits such as 177",
        ),
    )
    enable_other_permissions: bool = setting(
        True, Rule("plain users may say what all others may do with their objects")
    )


@dataclass(frozen=True, slots=True)
class ShowbackSettings:
    """Prices of VMs whose template names none; the currency is yours."""

    cpu_cost: float = setting(0.0, Rule("of a core for an hour in which the guest runs", minimum=0))
    memory_cost: float = setting(
        0.0, Rule("of a MB of memory for an hour in which the guest runs", minimum=0)
    )
    disk_cost: float = setting(0.0, Rule("of a MB of disk for an hour on a host", minimum=0))
