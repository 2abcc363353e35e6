"""Which action is allowed in which state, held against OpenNebula's table of states and actions."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from opennebula_core.errors import ActionError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.transitions import Place, state_name
from opennebula_core.testing.cloud import place_of

from ..estate import Estate, State

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
PLACES: tuple[State, ...] = (
    *(state for state in VmState if state is not V.ACTIVE),
    *(state for state in LcmState if state is not L.LCM_INIT),
)
FAILURES = tuple(state for state in LcmState if state.name.endswith("_FAILURE"))
HANGING = {"vmm/*": {"hang": True}, "tm/*": {"hang": True}}

Leads = list[tuple[State, State]]


def each(states: Iterable[State], target: State) -> Leads:
    """Return that all these states lead to one."""
    return [(state, target) for state in states]


ENDED = [
    *each((V.INIT, V.PENDING, V.HOLD, V.CLONING, V.CLONING_FAILURE, V.DONE), V.DONE),
    *each((L.RUNNING, L.UNKNOWN), L.SHUTDOWN),
    *each((V.POWEROFF, V.SUSPENDED, V.STOPPED, V.UNDEPLOYED), L.EPILOG),
    *each(FAILURES, L.CLEANUP_DELETE),
]
OFF = each((L.RUNNING, L.UNKNOWN), L.SHUTDOWN_POWEROFF)
AWAY = [*each((L.RUNNING, L.UNKNOWN), L.SHUTDOWN_UNDEPLOY), (V.POWEROFF, L.EPILOG_UNDEPLOY)]
SAME: Leads = [(state, state) for state in (L.RUNNING, L.UNKNOWN, V.POWEROFF)]
ALLOWED: dict[str, Leads] = {
    "terminate": ENDED,
    "terminate-hard": [*ENDED, (L.SHUTDOWN, L.SHUTDOWN)],
    "poweroff": OFF,
    "poweroff-hard": OFF,
    "undeploy": AWAY,
    "undeploy-hard": AWAY,
    "suspend": [(L.RUNNING, L.SAVE_SUSPEND)],
    "stop": [(L.RUNNING, L.SAVE_STOP), (V.SUSPENDED, L.EPILOG_STOP)],
    "resume": [
        (V.SUSPENDED, L.BOOT_SUSPENDED),
        (V.POWEROFF, L.BOOT_POWEROFF),
        (L.UNKNOWN, L.BOOT_UNKNOWN),
        (V.STOPPED, V.PENDING),
        (V.UNDEPLOYED, V.PENDING),
    ],
    "reboot": [(L.RUNNING, L.RUNNING)],
    "reboot-hard": [(L.RUNNING, L.RUNNING)],
    "hold": [(V.PENDING, V.HOLD), (V.HOLD, V.HOLD)],
    "release": [(V.HOLD, V.PENDING)],
    "resched": SAME,
    "unresched": SAME,
}
"""For each action the states that allow it, and where the VM is right after it. Source: OpenNebula 6.10."""

PLACEMENTS: dict[str, Leads] = {
    "deploy": [
        (V.PENDING, L.PROLOG),
        (V.HOLD, L.PROLOG),
        (V.STOPPED, L.PROLOG_RESUME),
        (V.UNDEPLOYED, L.PROLOG_UNDEPLOY),
    ],
    "migrate live": [(L.RUNNING, L.MIGRATE)],
    "migrate": [
        (L.RUNNING, L.SAVE_MIGRATE),
        (L.UNKNOWN, L.PROLOG_MIGRATE_UNKNOWN),
        (V.POWEROFF, L.PROLOG_MIGRATE_POWEROFF),
        (V.SUSPENDED, L.PROLOG_MIGRATE_SUSPEND),
    ],
}


def places(leads: Leads) -> dict[Place, Place]:
    """Return the table by whole places: as numbers a state may equal an LCM state."""
    return {place_of(state): place_of(target) for state, target in leads}


@pytest.mark.parametrize("action", ALLOWED)
async def test_an_action_is_allowed_where_opennebula_allows_it(estate: Estate, action: str) -> None:
    estate.cloud.behave(HANGING)
    for state in PLACES:
        vm_id = await estate.put(state)
        wanted = places(ALLOWED[action]).get(place_of(state))
        if wanted is not None:
            await estate.cloud.act(action, vm_id)
            assert estate.place(vm_id) == wanted, state
        else:
            with pytest.raises(ActionError) as refusal:
                await estate.cloud.act(action, vm_id)
            assert str(refusal.value) == f"[one.vm.action] {refusal_text(action, vm_id, state)}"
            assert estate.place(vm_id) == place_of(state)
        await forget(estate, vm_id)
    assert estate.usage(estate.here) == (0, 0, 0, 0)


def refusal_text(action: str, vm_id: int, state: State) -> str:
    name = state_name(*place_of(state))
    if action.startswith("terminate"):
        return f"Could not terminate VM {vm_id}, wrong state {name}."
    return f'Error performing action "{action}": This action is not available for state {name}'


async def forget(estate: Estate, vm_id: int) -> None:
    if estate.cloud.vm(vm_id).state is not V.DONE:
        await estate.recover(vm_id, 5)


@pytest.mark.parametrize("operation", PLACEMENTS)
async def test_a_placement_is_allowed_where_opennebula_allows_it(estate: Estate, operation: str) -> None:
    estate.cloud.behave(HANGING)
    for state in PLACES:
        vm_id = await estate.put(state)
        wanted = places(PLACEMENTS[operation]).get(place_of(state))
        if wanted is not None:
            await place(estate, operation, vm_id)
            assert estate.place(vm_id) == wanted, state
        else:
            text = f"{operation.split()[0].capitalize()} action is not available for state "
            with pytest.raises(ActionError, match=f"{text}{state_name(*place_of(state))}$"):
                await place(estate, operation, vm_id)
        await forget(estate, vm_id)
    assert estate.usage(estate.here) == estate.usage(estate.there) == (0, 0, 0, 0)


async def place(estate: Estate, operation: str, vm_id: int) -> None:
    if operation == "deploy":
        await estate.cloud.call("one.vm.deploy", vm_id, estate.there)
    else:
        await estate.migrate(vm_id, live=operation.endswith("live"))


async def test_an_unknown_action_is_named(estate: Estate) -> None:
    vm_id = await estate.cloud.add_vm()
    with pytest.raises(ActionError, match='Action "fly" is not supported'):
        await estate.cloud.act("fly", vm_id)


@pytest.mark.parametrize("action", ["resched", "unresched"])
async def test_rescheduling_sets_a_flag(estate: Estate, action: str) -> None:
    vm_id = await estate.put(L.RUNNING)
    await estate.cloud.act(action, vm_id)
    assert estate.cloud.vm(vm_id).resched == (action == "resched")
    await forget(estate, vm_id)


@pytest.mark.parametrize(
    ("how", "state"), [("migrate", L.RUNNING), ("poweroff", V.POWEROFF), ("suspend", V.SUSPENDED)]
)
async def test_the_flag_falls_when_the_vm_moves_or_sleeps(estate: Estate, how: str, state: State) -> None:
    vm_id = await estate.run()
    await estate.cloud.act("resched", vm_id)
    if how == "migrate":
        await estate.migrate(vm_id, live=True)
        assert not estate.cloud.vm(vm_id).resched
    else:
        await estate.cloud.act(how, vm_id)
    await estate.cloud.settle(vm_id, state)
    assert not estate.cloud.vm(vm_id).resched
    await estate.cloud.act("terminate-hard", vm_id)
    await estate.cloud.settle(vm_id, V.DONE)


async def test_a_reboot_that_hangs_keeps_nobody_from_ending_the_vm(estate: Estate) -> None:
    vm_id = await estate.run()
    estate.cloud.behave({"vmm/REBOOT": {"hang": True}})
    await estate.cloud.act("reboot", vm_id)
    await estate.cloud.act("terminate-hard", vm_id)
    await estate.cloud.settle(vm_id, V.DONE)


async def test_a_failed_reboot_leaves_the_vm_alone(estate: Estate) -> None:
    vm_id = await estate.run()
    await estate.fail("vmm/RESET")
    await estate.cloud.act("reboot-hard", vm_id)
    await estate.cloud.until(lambda: not estate.cloud.daemon.core.executor.running, "the reboot's end")
    assert estate.place(vm_id) == place_of(L.RUNNING)
    assert estate.actions(vm_id) == [0]
    await estate.cloud.act("terminate-hard", vm_id)
    await estate.cloud.settle(vm_id, V.DONE)
