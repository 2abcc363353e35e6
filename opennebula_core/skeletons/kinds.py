"""What the packages of each kind are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What is particular to a kind of plugin.

    :param kind: as ``one plugin check`` calls it
    :param word: how the names of its packages begin
    :param module: the module that holds the class
    :param suffix: of the class's name
    :param files: target -> source; ``PACKAGE`` stands for the package's folder
    :param contract: the contract test's class, where the common test fits
    """

    kind: str
    word: str
    module: str
    suffix: str
    summary: str
    about: str
    use: str
    files: Mapping[str, str]
    contract: str = ""


def _driver(
    kind: str,
    suffix: str,
    contract: str,
    summary: str,
    about: str,
    use: str,
    *,
    test: str = "",
    more: Mapping[str, str] | None = None,
) -> Skeleton:
    files = {
        "PACKAGE/driver.py": f"{kind}/driver.py.in",
        "tests/test_contract.py": test or "common/test_contract.py.in",
    }
    return Skeleton(kind, kind, "driver", suffix, summary, about, use, {**files, **(more or {})}, contract)


SKELETONS: Final[Mapping[str, Skeleton]] = {
    "vmm": _driver(
        "vmm", "Driver", "VmmDriverContract", "Guests that are processes of the front-end.",
        "A guest is a process, whatever host the VM was placed on. To start it on that host, run the command "
        "with `opennebula_core.remote`. The package offers a monitor (`im`) of the same name: an operator "
        "names both, and the core learns from it which guests are there.",
        "    onehost create host01 --im @NAME@ --vm @NAME@\n"
        "    onevm create --name first --cpu 1 --memory 128M",
        more={
            "PACKAGE/monitor.py": "vmm/monitor.py.in",
            "tests/test_monitor.py": "vmm/test_monitor.py.in",
        },
    ),
    "tm": _driver(
        "tm", "Driver", "TmDriverContract", "Disks as files on storage that all hosts share.",
        "Source and destination are taken for paths of the front-end: mount the storage there and on the "
        "hosts. Making context CDs needs `xorriso`.",
        "    echo 'TM_MAD = \"@NAME@\"' | onedatastore update default --append",
    ),
    "im": _driver(
        "im", "Monitor", "ImDriverContract", "Figures of the front-end's own machine, and attributes.",
        "Every host reports the machine on which the driver runs, and the attributes `ARCH`, `KERNEL` and "
        "`RACK`: a VM may say `SCHED_REQUIREMENTS = \"RACK = \\\"a1\\\"\"`.",
        "    onehost create host01 --im @NAME@ --vm dummy",
    ),
    "vnm": _driver(
        "vnm", "Driver", "VnmDriverContract", "Fixed leases for dnsmasq.",
        "Start dnsmasq with `--dhcp-hostsdir=FOLDER`, and give the driver that folder.",
        "    echo 'VN_MAD = \"@NAME@\"' | onevnet update NETWORK --append\n\n"
        "```toml\n[drivers.vnm.@NAME@.options]\nfolder = \"/etc/dnsmasq-hosts\"\n```",
    ),
    "datastore": _driver(
        "datastore", "Driver", "DatastoreDriverContract", "Images as raw files of the front-end.",
        "Images are files of the datastore's folder; what is made has a hidden name until it is whole.",
        "    printf 'NAME = mine\\nDS_MAD = \"@NAME@\"\\nTM_MAD = \"dummy\"\\n' | onedatastore create",
    ),
    "auth": _driver(
        "auth", "Driver", "", "Passwords as salted scrypt hashes.",
        "What is stored of a user is `SALT:HASH`; `stored_password` of the module makes it.",
        "    oneuser create alice SALT:HASH --driver @NAME@",
        test="auth/test_contract.py.in",
    ),
    "scheduler": Skeleton(
        "scheduler", "sched", "policy", "Policy", "A scheduling policy that spreads VMs.",
        "It ranks hosts by their free memory, less for each VM that they have.",
        "```toml\n[scheduler]\npolicy = \"@NAME@\"\n\n[scheduler.@NAME@]\nvm_weight = 2.0\n```",
        {
            "PACKAGE/policy.py": "scheduler/policy.py.in",
            "tests/test_contract.py": "scheduler/test_contract.py.in",
        },
    ),
    "hook": Skeleton(
        "plugins", "hook", "hooks", "Hooks", "Hooks into requests, changes of state and scheduling.",
        "It logs changes of state, refuses a name, and keeps VMs off hosts whose names begin with `spare`.",
        "A restart of the cloud loads it: `one stop && one start`. "
        "`one plugin disable plugins @NAME@` leaves it out.",
        {"PACKAGE/hooks.py": "hook/hooks.py.in", "tests/test_hooks.py": "hook/test_hooks.py.in"},
    ),
    "manager": Skeleton(
        "plugins", "manager", "manager", "Manager",
        "A manager of notes: table, methods, page, clean-up, commands.",
        "Methods `one.@NAME@.allocate` and `one.@NAME@pool.info`, the page `/@NAME@`, and the commands "
        "`one @NAME@ create|list`.",
        "A restart of the cloud loads it: `one stop && one start`. Then `one @NAME@ create 'hello'`.",
        {
            "PACKAGE/manager.py": "manager/manager.py.in",
            "PACKAGE/commands.py": "manager/commands.py.in",
            "tests/test_manager.py": "manager/test_manager.py.in",
        },
    ),
}  # fmt: skip
"""The kinds that ``one plugin new`` knows, by its word for them."""
