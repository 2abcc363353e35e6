"""The command line: ``python -m opennebula_core.testing.kvmlab COMMAND``."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from opennebula_core.testing.kvmlab import packages
from opennebula_core.testing.kvmlab.acceleration import accelerator
from opennebula_core.testing.kvmlab.blueprint import FRONT_END
from opennebula_core.testing.kvmlab.command import LabError
from opennebula_core.testing.kvmlab.context_iso import make_context_iso
from opennebula_core.testing.kvmlab.domain import GuestDomain, domain_xml
from opennebula_core.testing.kvmlab.guest_image import build_guest_image, cached_guest_image
from opennebula_core.testing.kvmlab.kernel import unpacked_kernel
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_core.testing.kvmlab.namespaces import inside
from opennebula_core.testing.kvmlab.preparation import open_lab, prepare_lab
from opennebula_core.testing.kvmlab.processes import Process
from opennebula_core.testing.kvmlab.selftest import SelfTest
from opennebula_core.testing.kvmlab.settings import LabSettings

PROGRAM = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""For commands whose last arguments are another program's."""

FILE = click.Path(path_type=Path)


class LabCommands(click.Group):
    """Shows the lab's errors as messages."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LabCommands)
@click.pass_context
def kvmlab(ctx: click.Context) -> None:
    """Make several virtualisation hosts out of this machine, for tests.

    All state is in $KVMLAB_DIR; labs with different directories do not disturb one another.
    """
    ctx.obj = LabSettings.from_environment()


@kvmlab.command()
@click.option("--with-ovs", is_flag=True, help="Open vSwitch, too.")
@click.option("--hypervisor-only", is_flag=True, help="What a KVM host and its test guest need, no more.")
@click.pass_obj
def install(settings: LabSettings, *, with_ovs: bool, hypervisor_only: bool) -> None:
    """Install the Debian packages that are missing, and fetch the guest's kernel."""
    wanted = [*packages.HYPERVISOR, *packages.GUEST_IMAGE, *packages.NETWORK]
    if not hypervisor_only:
        wanted = [*packages.LAB]
    start = time.monotonic()
    installed = packages.install([*wanted, *(packages.OPEN_VSWITCH if with_ovs else [])])
    unpacked_kernel(settings)
    click.echo(f"{len(installed)} packages installed in {time.monotonic() - start:.1f} s", err=True)


@kvmlab.command()
@click.argument("path", type=FILE, required=False)
@click.option("--size", "size_mib", type=int, default=32, help="Virtual size in MiB.")
@click.option("--format", type=click.Choice(["qcow2", "raw"]), default=None)
@click.pass_obj
def guest_image(settings: LabSettings, path: Path | None, size_mib: int, format: str | None) -> None:
    """Build the small test guest and print where it is: PATH, or a file in the cache."""
    if path is None:
        path = cached_guest_image(settings)
    else:
        build_guest_image(path, settings, size_mib=size_mib, format=format or "")
    click.echo(path)


@kvmlab.command()
@click.argument("path", type=FILE)
@click.argument("variables", nargs=-1, metavar="NAME=VALUE...")
@click.option("--file", "files", type=FILE, multiple=True, help="Put this on it, too.")
def context_iso(path: Path, variables: tuple[str, ...], files: tuple[Path, ...]) -> None:
    """Make a context CD."""
    pairs = [variable.partition("=") for variable in variables]
    make_context_iso(path, {name: value for name, _, value in pairs}, files)


@kvmlab.command()
@click.argument("count", type=int)
@click.option("--share", "shares", multiple=True, metavar="PATH", help="A folder that all see at PATH.")
@click.option("--image", type=FILE, help="Guest image for the hosts; built when it is not there.")
@click.option("--no-libvirt", is_flag=True)
@click.pass_obj
def up(
    settings: LabSettings, count: int, shares: tuple[str, ...], image: Path | None, *, no_libvirt: bool
) -> None:
    """Start COUNT hosts."""
    start = time.monotonic()
    lab = Lab.up(prepare_lab(settings, count, shares=shares, image=image, with_libvirt=not no_libvirt))
    elapsed_s = time.monotonic() - start
    click.echo(
        f"{count} hosts up in {elapsed_s:.1f} s ({lab.accelerator}); state in {lab.directory}", err=True
    )


@kvmlab.command()
@click.option("--keep", is_flag=True, help="Leave the state, which holds the logs.")
@click.pass_obj
def down(settings: LabSettings, *, keep: bool) -> None:
    """End all hosts and remove their state."""
    open_lab(settings).down(keep=keep)


@kvmlab.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
@click.pass_context
def status(ctx: click.Context, settings: LabSettings, *, as_json: bool) -> None:
    """Show the hosts; the exit status is 1 when one is not ready."""
    lab = open_lab(settings)
    hosts = {name: _host_status(lab, name) for name in lab.blueprint.names}
    if as_json:
        values = {"dir": str(lab.directory), "accel": lab.accelerator, "hosts": hosts}
        click.echo(json.dumps(values, indent=1))
    else:
        for name, host in hosts.items():
            word = "ready" if host["ready"] else "DOWN"
            click.echo(f"{name:<7} {host['ip']:<12} {word} {' '.join(host.get('guests', []))}")
    ctx.exit(0 if all(host["ready"] for host in hosts.values()) else 1)


@kvmlab.command(context_settings=PROGRAM)
@click.argument("name")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def exec(settings: LabSettings, name: str, argv: tuple[str, ...]) -> None:
    """Run a program inside fe or a host."""
    lab = open_lab(settings)
    program = argv[1:] if argv[:1] == ("--",) else argv
    command = inside(lab.blueprint, name, program or ("bash",), directory=os.getcwd())
    os.execvpe(command[0], command, os.environ | lab.environment(name))


@kvmlab.command(context_settings=PROGRAM)
@click.argument("name")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def ssh(settings: LabSettings, name: str, argv: tuple[str, ...]) -> None:
    """Log in to a host from outside, through its namespace."""
    os.execvp("ssh", ["ssh", "-F", str(open_lab(settings).ssh_config), name, *argv])


@kvmlab.command("domain-xml")
@click.argument("name")
@click.argument("disk")
@click.option("--context", default="", help="The context CD's path on the host.")
@click.option("--nic", "nics", multiple=True, metavar="MAC[@BRIDGE]")
@click.option("--mem", "memory_mib", type=int, default=128, help="MiB.")
@click.option("--cpus", type=int, default=1)
@click.option("--format", default="qcow2")
@click.pass_obj
def print_domain_xml(settings: LabSettings, /, name: str, disk: str, **options: Any) -> None:
    """Print a libvirt domain for the test guest."""
    click.echo(domain_xml(GuestDomain(name, disk, accelerator(settings), **options)), nl=False)


@kvmlab.command()
@click.pass_obj
def accel(settings: LabSettings) -> None:
    """Print kvm or tcg, found out by trying."""
    click.echo(accelerator(settings))


@kvmlab.command()
@click.pass_obj
def selftest(settings: LabSettings) -> None:
    """Start two hosts and take a real guest through its life."""
    SelfTest(settings, click.echo).run()


def _host_status(lab: Lab, name: str) -> dict[str, Any]:
    process = Process.load(lab.blueprint.place(name, "pid"))
    status: dict[str, Any] = {"pid": process.pid if process else None, "ip": lab.address(name)}
    status["ready"] = process is not None and lab.is_ready(name)
    if name != FRONT_END:
        status["ip2"] = lab.address(name, card=1)
        status["libvirt"] = f"qemu:///system?socket={lab.blueprint.place(name, 'run', 'libvirt-sock')}"
        if status["ready"] and lab.blueprint.with_libvirt:
            status["guests"] = lab.virsh(name, "list", "--all", "--name").split()
    return status
