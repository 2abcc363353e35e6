"""The program ``onesched``: options, logging, signals."""

from __future__ import annotations

import logging
import signal
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from types import FrameType

import click

from opennebula_core.client import Client
from opennebula_core.config import Config, Location
from opennebula_core.config.pid_file import take_pid_file
from opennebula_core.contracts.scheduler import Round, Unplaced
from opennebula_core.plugins import create_hook_manager
from opennebula_core.plugins.log_levels import apply_levels
from opennebula_core.scheduling.collector import Collector
from opennebula_core.scheduling.commands import SchedulerCommands
from opennebula_core.scheduling.credentials import connect
from opennebula_core.scheduling.dispatcher import Caller, Dispatcher, DryRun
from opennebula_core.scheduling.explain import explain, verdict_lines
from opennebula_core.scheduling.extensions import HookExtensions
from opennebula_core.scheduling.loading import Charge, load_charge
from opennebula_core.scheduling.rounds import Rounds
from opennebula_core.scheduling.runner import Summary
from opennebula_core.scheduling.service import Service
from opennebula_core.scheduling.watcher import Reload, Stop


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; empty texts leave the choice to the configuration."""

    policy: str = ""
    endpoint: str = ""
    is_dry: bool = False


@click.group(cls=SchedulerCommands, invoke_without_command=True)
@click.option("--policy", default="", metavar="NAME", help="The policy to use instead of the configured one.")
@click.option("--endpoint", default="", metavar="URL", help="The API to schedule for.")
@click.option("--once", is_flag=True, help="Run one round and end.")
@click.option("--dry-run", is_flag=True, help="Decide, but change nothing.")
@click.option(
    "--explain", "vm_id", type=int, metavar="VM", help="Say of each host why the VM could go there or not."
)
@click.pass_context
def main(
    context: click.Context, /, policy: str, endpoint: str, once: bool, dry_run: bool, vm_id: int | None
) -> None:
    """Place pending VMs on hosts until told to end; with a command, run that instead.

    Reads oned.toml in ONE_LOCATION (again on SIGHUP) and calls the API as the server user. Ends on SIGTERM.
    """
    if context.invoked_subcommand is not None:
        return
    request = Request(policy, endpoint, dry_run)
    config = Config.load(Location.from_environment())
    _start_logging(config, is_interactive=once or vm_id is not None)
    if vm_id is not None:
        _print_explanation(config, request, vm_id)
    elif once:
        _run_once(config, request)
    else:
        _serve(config, request)


def _start_logging(config: Config, *, is_interactive: bool) -> None:
    level = logging.WARNING if is_interactive else logging.getLevelNamesMapping()[config.log.level.upper()]
    logging.basicConfig(
        level=level, format="%(asctime)s [%(levelname).1s] %(name)s: %(message)s", stream=sys.stderr
    )
    apply_levels(config.log.levels)


def _extensions(config: Config) -> HookExtensions:
    return HookExtensions(create_hook_manager(disabled=config.plugins.disabled))


def _rounds(config: Config, request: Request, client: Client, caller: Caller) -> Rounds:
    charge = load_charge(config, request.policy)
    collector = Collector(client, with_active_vms=charge.policy.collects_active_vms)
    return Rounds(charge, collector, caller, _extensions(config))


def _run_once(config: Config, request: Request) -> None:
    with connect(config, request.endpoint) as client, Dispatcher(client) as dispatcher:
        rounds = _rounds(config, request, client, DryRun() if request.is_dry else dispatcher)
        summary = rounds.run()
    for line in _summary_lines(summary):
        click.echo(line)


def _summary_lines(summary: Summary | None) -> list[str]:
    if summary is None or not summary.decisions:
        return ["nothing to decide"]
    lines = [
        f"VM {item.vm_id}: {item.message}" if isinstance(item, Unplaced) else str(item)
        for item in summary.decisions
    ]
    return [*lines, f"placed {len(summary.placed)}, waiting {summary.unplaced}, refused {summary.refused}"]


def _print_explanation(config: Config, request: Request, vm_id: int) -> None:
    with connect(config, request.endpoint) as client:
        rounds = _rounds(config, request, client, DryRun())
        vm = rounds.collector.vm(vm_id)
        cloud = rounds.collector.cloud(vm)
        round = Round(cloud, (vm,), extensions=_extensions(config))
        for line in verdict_lines(vm, explain(rounds.charge.policy, vm, round)):
            click.echo(line)


def _serve(config: Config, request: Request) -> None:
    def load() -> Charge:
        return load_charge(Config.load(config.location), request.policy)

    def make_caller(client: Client) -> Caller:
        return DryRun() if request.is_dry else Dispatcher(client)

    service = Service(lambda: connect(config, request.endpoint), load, _extensions(config), make_caller)

    def stop(_number: int, _frame: FrameType | None) -> None:
        service.events.put(Stop())

    def reload(_number: int, _frame: FrameType | None) -> None:
        service.events.put(Reload())

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, reload)
    with nullcontext() if request.is_dry else take_pid_file(config.location, "onesched"):
        service.run()


if __name__ == "__main__":
    main()
