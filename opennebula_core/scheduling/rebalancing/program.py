"""The process that computes a plan: reads the cloud over the API, prints the plan as JSON, and ends.

``python -m opennebula_core.scheduling.rebalancing.program CLUSTER_ID``. The core starts it, and so does
``onecluster optimize`` for a front-end that keeps no plans. It changes nothing.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from opennebula_core.client import Client, client_from_environment
from opennebula_core.config import Config, Location
from opennebula_core.errors import OpenNebulaError
from opennebula_core.plugins import create_hook_manager
from opennebula_core.scheduling.credentials import connect
from opennebula_core.scheduling.extensions import HookExtensions
from opennebula_core.scheduling.rebalancing.planning import DEFAULT_LIMIT_S, Solver, find_plan
from opennebula_core.scheduling.rebalancing.problem import Goal, Resource
from opennebula_core.scheduling.rebalancing.reading import Measure, Wish, read_problem
from opennebula_core.scheduling.rebalancing.report import report


@dataclass(frozen=True, slots=True)
class Request:
    """What the arguments ask for.

    :param as_caller: call the API as ONE_AUTH says, not as the server user
    """

    wish: Wish
    solver: Solver
    limit_s: float
    as_caller: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the plan; return 1 with the reason on standard error when there can be none."""
    request = _parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    answer = _own_output()
    try:
        config = Config.load(Location.from_environment())
        with _client(config, request) as client:
            extensions = HookExtensions(create_hook_manager(disabled=config.plugins.disabled))
            problem = read_problem(client, request.wish, extensions)
        plan = report(find_plan(problem, request.solver, request.limit_s), request.wish)
    except OpenNebulaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with answer:
        answer.write(json.dumps(plan) + "\n")
    return 0


def _own_output() -> TextIO:
    """Return standard output for the plan alone: what libraries print there, as HiGHS does, is no error."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answer


def _client(config: Config, request: Request) -> Client:
    return client_from_environment() if request.as_caller else connect(config)


def _parse(arguments: Sequence[str] | None) -> Request:
    parser = argparse.ArgumentParser(prog="rebalancing", description="Compute a plan for a cluster.")
    parser.add_argument("cluster_id", type=int)
    parser.add_argument("--goal", type=Goal, choices=list(Goal), default=Goal.BALANCE)
    parser.add_argument("--resource", type=Resource, choices=list(Resource), action="append")
    parser.add_argument("--measure", type=Measure, choices=list(Measure), default=Measure.ASKED)
    parser.add_argument("--moves", type=int, default=0)
    parser.add_argument("--solver", type=Solver, choices=list(Solver), default=Solver.AUTO)
    parser.add_argument("--limit-s", type=float, default=DEFAULT_LIMIT_S)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--local-disks", action="store_true")
    parser.add_argument("--as-caller", action="store_true")
    given = parser.parse_args(arguments)
    resources = tuple(given.resource or Resource)
    wish = Wish(
        given.cluster_id,
        given.goal,
        resources,
        given.measure,
        given.moves,
        live=not given.cold,
        local_disks=given.local_disks,
    )
    return Request(wish, given.solver, given.limit_s, given.as_caller)


if __name__ == "__main__":
    sys.exit(main())
