"""``python -m opennebula_core.testing.policy_check NAME``: holds an installed policy to its contract.

``one plugin check scheduler NAME`` runs it. It prints a line for each rule; exit status 1 when one is broken.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator

from opennebula_core.contracts.kinds import SCHEDULER, group_of
from opennebula_core.contracts.scheduler import SchedulerPolicy
from opennebula_core.errors import PluginError
from opennebula_core.plugins import load_driver
from opennebula_core.testing.scheduler import SchedulerContract, policy_context


def judged_rules(policy_class: type[SchedulerPolicy]) -> Iterator[tuple[str, str]]:
    """Yield each rule of the contract, and why the policy breaks it; empty when it keeps it."""
    contract = SchedulerContract()
    for name in sorted(vars(SchedulerContract)):
        if name.startswith("test_"):
            yield name.removeprefix("test_").replace("_", " "), _problem(contract, name, policy_class)


def _problem(contract: SchedulerContract, name: str, policy_class: type[SchedulerPolicy]) -> str:
    try:
        getattr(contract, name)(policy_class(policy_context()))
    except Exception as error:  # noqa: BLE001  # the border to foreign code: a broken rule, or a policy that raises
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error or place.line}"
    return ""


def main(name: str) -> int:
    """Check the policy of that name; return the exit status."""
    try:
        policy_class = load_driver(group_of(SCHEDULER), name)
    except PluginError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    is_kept = True
    for rule, problem in judged_rules(policy_class):
        sys.stdout.write(f"{'ok' if not problem else 'BROKEN'}: {rule}{': ' if problem else ''}{problem}\n")
        is_kept = is_kept and not problem
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
