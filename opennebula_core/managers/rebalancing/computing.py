"""Has plans computed, by a process that takes its time: the core goes on meanwhile.

What is asked for stands in the database. A core that dies meanwhile asks again when it is back, since the
process changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import OpenNebulaError
from opennebula_core.managers.core import Core
from opennebula_core.managers.rebalancing import table
from opennebula_core.managers.rebalancing.table import StoredPlan
from opennebula_core.managers.rebalancing.wishes import limit_of
from opennebula_core.model.rebalancing import Move, PlanState
from opennebula_core.wire.launching import environment

LOG = logging.getLogger(__name__)

PROGRAM: Final = "opennebula_core.scheduling.rebalancing.program"
READING_S: Final = 120
"""What a large cloud may take to be read, and the heuristic, beside the exact solver's own limit."""
NICENESS: Final = 10
MOST_MESSAGE: Final = 500
_OTHER_CLOUDS: Final = ("ONE_XMLRPC", "ONE_AUTH", "ONE_CIPHER_AUTH")


class Computations:
    """The background task that computes what was asked for, one plan after the other."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for what was asked for; called on the event loop."""
        self._wake.set()

    async def run(self) -> None:
        """Run for ever."""
        while True:
            self._wake.clear()
            waiting = self._core.store.read(table.plans_to_compute)
            if not waiting:
                await self._wake.wait()
                continue
            await self._compute(waiting[0])

    async def _compute(self, plan: StoredPlan) -> None:
        try:
            report = await _run(plan, self._environment())
        except OpenNebulaError as error:
            LOG.warning("cluster %d: no plan: %s", plan.cluster_id, error)
            reason = str(error)
            await self._core.store.write(lambda tx: _keep_failure(tx, plan, reason))
            return
        await self._core.store.write(lambda tx: _keep(tx, plan, report))

    def _environment(self) -> dict[str, str]:
        variables = environment(self._core.location)
        return {name: value for name, value in variables.items() if name not in _OTHER_CLOUDS}


async def _run(plan: StoredPlan, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return what the program says.

    :raises OpenNebulaError: it failed, took too long, or did not answer with JSON
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        PROGRAM,
        str(plan.cluster_id),
        *plan.arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(variables),
        start_new_session=True,
    )
    limit_s = limit_of(plan.arguments) + READING_S
    try:
        with suppress(OSError):  # it is only a courtesy to everything else
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        async with asyncio.timeout(limit_s):
            output, problem = await process.communicate()
    except TimeoutError:
        raise OpenNebulaError(
            f"compute a plan for cluster {plan.cluster_id}: no answer in {limit_s} s; lower LIMIT_S"
        ) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode != 0:
        lines = problem.decode("utf-8", "replace").strip().splitlines()
        raise OpenNebulaError(lines[-1][:MOST_MESSAGE] if lines else "the process ended without a word")
    try:
        report: dict[str, Any] = json.loads(output)
    except ValueError:
        raise OpenNebulaError(
            f"compute a plan for cluster {plan.cluster_id}: {PROGRAM} answered with no plan; "
            f"run it by hand to see what it says"
        ) from None
    return report


def _is_wanted(tx: Transaction, plan: StoredPlan) -> bool:
    """Whether nobody has asked for something else, or deleted it, since."""
    present = table.find_plan(tx, plan.cluster_id)
    return present is not None and (present.state, present.request) == (PlanState.NONE, plan.request)


def _keep_failure(tx: Transaction, plan: StoredPlan, reason: str) -> None:
    if _is_wanted(tx, plan):
        table.set_state(tx, plan.cluster_id, PlanState.ERROR, reason)


def _keep(tx: Transaction, plan: StoredPlan, report: dict[str, Any]) -> None:
    if not _is_wanted(tx, plan):
        return
    state = PlanState.READY if report["moves"] else PlanState.DONE
    moves = _moves(report["moves"])
    table.put_plan(tx, table.with_report(plan, state, tx.now, report), moves)
    LOG.info("cluster %d: a plan of %d moves", plan.cluster_id, len(report["moves"]))


def _moves(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Move, int]]:
    return [
        (Move(number, row["vm_id"], row["source_id"], row["target_id"]), row["datastore_id"])
        for number, row in enumerate(rows)
    ]
