"""``one start``, ``one stop``, ``one status``."""

from __future__ import annotations

import json
import os
import secrets
import socket

import click

from opennebula_core.cli.processes import (
    DAEMON,
    SCHEDULER,
    ProcessError,
    Spawned,
    end,
    spawn,
    wait_for,
)
from opennebula_core.config import Config
from opennebula_core.config.defaults import write_default_config
from opennebula_core.config.location import Location
from opennebula_core.config.pid_file import running_pid
from opennebula_core.errors import ConfigError

START_LIMIT_S = 60.0
PASSWORD_BYTES = 24


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API, for a new ONE_LOCATION.")
def start(port: int | None) -> None:
    """Start the daemon and the scheduler in the background; returns when the API answers.

    In an empty ONE_LOCATION it writes etc/oned.toml and one_auth (with a random password) first.
    """
    location = Location.from_environment()
    config = start_cloud(location, port)
    click.echo(f"The cloud answers at {config.endpoint}")
    click.echo(f"  location   {location}")
    click.echo(f"  logs       {location.log}")
    click.echo(f"  session    {location.auth_file}")
    click.echo("Next: onehost list, onevm list, one status")


def start_cloud(location: Location, port: int | None = None, *, with_scheduler: bool = True) -> Config:
    """Start what does not run yet, and return the configuration.

    :param with_scheduler: have VMs be placed; else only what is under way goes on
    :raises OpenNebulaError: a process does not start; the message has what its log says of that, what runs
        nevertheless, and the next step
    """
    prepare(location, port)
    config = Config.load(location)
    if port is not None and config.api.port != port:
        raise ConfigError(
            f"start on port {port}: {location.config_file} says {config.api.port}; change [api] port there"
        )
    if not running_pid(location, DAEMON):
        _start_daemon(location, config)
    if with_scheduler and not running_pid(location, SCHEDULER):
        spawned = spawn(location, SCHEDULER)
        wait_for(lambda: bool(running_pid(location, SCHEDULER)) or spawned.has_ended(), START_LIMIT_S)
        if not running_pid(location, SCHEDULER):
            raise _not_started(location, spawned)
    return config


def prepare(location: Location, port: int | None) -> None:
    """Write what a first start needs; what is there is left alone."""
    location.create()
    if port is None:
        write_default_config(location)
    else:
        write_default_config(location, port=port)
    if not location.auth_file.exists():
        descriptor = os.open(location.auth_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"oneadmin:{secrets.token_urlsafe(PASSWORD_BYTES)}\n")


def _start_daemon(location: Location, config: Config) -> None:
    if answers(config):
        raise ProcessError(
            f"start {DAEMON}: another program listens at {config.endpoint}; "
            f"end it, or set another [api] port in {location.config_file}"
        )
    spawned = spawn(location, DAEMON)
    wait_for(lambda: answers(config) or spawned.has_ended(), START_LIMIT_S)
    if spawned.has_ended():
        raise _not_started(location, spawned)
    if not answers(config):
        raise ProcessError(
            f"start {DAEMON}: {config.endpoint} does not answer after {START_LIMIT_S:g} s; it still starts: "
            f"see {location.log_file(DAEMON)}, then 'one start' again, or 'one stop'"
        )


def _not_started(location: Location, spawned: Spawned) -> ProcessError:
    """Return the error of a program that did not start: what it said, what runs, and what to do."""
    what = "it ended" if spawned.has_ended() else f"it is not ready after {START_LIMIT_S:g} s"
    pid = running_pid(location, DAEMON)
    if spawned.program == DAEMON:
        runs = f"{DAEMON} does not run, so that nobody can call; VMs that run go on"
    else:
        runs = f"{DAEMON} runs, process {pid}: it answers, and VMs go on, but pending ones are not placed"
    return ProcessError(
        f"start {spawned.program}: {what}\n{spawned.said() or f'  {spawned.log} says nothing'}\n"
        f"{runs}. Correct that ('one config check' names what is wrong in {location.config_file}), "
        f"then 'one start' again"
    )


def answers(config: Config) -> bool:
    """Return whether something listens where the API shall be."""
    address = ("127.0.0.1" if config.api.listen in ("0.0.0.0", "") else config.api.listen, config.api.port)
    try:
        with socket.create_connection(address, timeout=1.0):
            return True
    except OSError:
        return False


@click.command()
def stop() -> None:
    """Stop the scheduler, the daemon and all drivers. Guests go on running."""
    location = Location.from_environment()
    ended = [program for program in (SCHEDULER, DAEMON) if end(location, program)]
    click.echo(f"Stopped {' and '.join(ended)}." if ended else "Nothing was running.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show what runs. Exit status 0 when the cloud runs, 3 when it does not."""
    location = Location.from_environment()
    config = Config.load(location)
    pids = {program: running_pid(location, program) for program in (DAEMON, SCHEDULER)}
    facts = {
        "location": str(location),
        "running": all(pids.values()) and answers(config),
        "pids": {program: pid or None for program, pid in pids.items()},
        "endpoint": config.endpoint,
        "port": config.api.port,
        "database": str(config.database_file),
        "policy": config.scheduler.policy,
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        for program, pid in pids.items():
            click.echo(f"{program:10} {f'runs, process {pid}' if pid else 'does not run'}")
        for name in ("endpoint", "database", "policy", "location"):
            click.echo(f"{name:10} {facts[name]}")
    if not facts["running"]:
        raise SystemExit(3)
