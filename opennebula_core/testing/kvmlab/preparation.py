"""What is made before the first host starts: folders, keys, control groups, the guest image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from opennebula_core.testing.kvmlab.acceleration import accelerator
from opennebula_core.testing.kvmlab.blueprint import Blueprint, host_names
from opennebula_core.testing.kvmlab.cgroups import make_groups
from opennebula_core.testing.kvmlab.command import ROOT_PATH, LabError
from opennebula_core.testing.kvmlab.guest_image import build_guest_image
from opennebula_core.testing.kvmlab.keys import make_keys
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_core.testing.kvmlab.processes import Process
from opennebula_core.testing.kvmlab.settings import LabSettings

TOOLS = ("sshd", "libvirtd", "qemu-system-x86_64", "unshare", "nsenter", "ip")


def prepare_lab(
    settings: LabSettings,
    count: int,
    *,
    shares: Sequence[str] = (),
    image: Path | None = None,
    with_libvirt: bool = True,
) -> Blueprint:
    """Make everything that a lab of ``count`` hosts starts from.

    :param shares: folders that all see at the same path
    :param image: a guest image that all hosts see; built when it is not there
    :raises LabError: not root, a package is missing, or a lab is up in that directory
    """
    hosts = host_names(count)
    _check_machine()
    _clear(settings)
    settings.directory.mkdir(parents=True, exist_ok=True)
    if image is not None and not image.exists():
        build_guest_image(image, settings)
    blueprint = Blueprint(
        settings=settings,
        hosts=hosts,
        accelerator=accelerator(settings),
        shares=tuple(shares),
        image=str(image.absolute()) if image else "",
        with_libvirt=with_libvirt,
    )
    for name in blueprint.names:
        blueprint.place(name, "log").mkdir(parents=True, exist_ok=True)
    make_keys(blueprint)
    return replace(blueprint, cgroups={host: make_groups(blueprint.tag, host) for host in hosts})


def open_lab(settings: LabSettings) -> Lab:
    """Return the lab that is up in a directory.

    :raises LabError: there is none
    """
    blueprint = Blueprint.load(settings)
    if blueprint is None:
        raise LabError(f"no lab in {settings.directory}: start one, or set KVMLAB_DIR")
    return Lab(blueprint)


def _check_machine() -> None:
    if os.geteuid():
        raise LabError("start a lab: it makes namespaces and mounts; run it as root")
    absent = [tool for tool in TOOLS if not shutil.which(tool, path=ROOT_PATH)]
    if absent:
        install = "python -m opennebula_core.testing.kvmlab install"
        raise LabError(f"start a lab: no {', '.join(absent)}; run '{install}'")


def _clear(settings: LabSettings) -> None:
    """Remove what a lab left that did not end in order."""
    old = Blueprint.load(settings)
    if old is None:
        return
    if any(Process.load(old.place(name, "pid")) for name in old.names):
        raise LabError(
            f"start a lab in {settings.directory}: one is up there; end it first, or choose another"
        )
    Lab(old).down()
