from __future__ import annotations

import random

import pytest

from opennebula_sched_haizea.slottable import FOREVER, Amount, Slot, SlotTable


def table(*slots: Slot) -> SlotTable:
    found = SlotTable()
    found.add_host(0, Amount(400, 1000))
    found.add_all(slots)
    return found


def slot(start_s: float, end_s: float, cpu_percent: int = 100, memory_kib: int = 100) -> Slot:
    return Slot(1, 0, start_s, end_s, Amount(cpu_percent, memory_kib))


def test_an_empty_host_has_all_its_room() -> None:
    assert table().room(0, 0, FOREVER) == Amount(400, 1000)


def test_room_is_what_is_left_during_the_whole_interval() -> None:
    found = table(slot(10, 20, 100), slot(15, 30, 200, 700))
    assert found.room(0, 0, 10) == Amount(400, 1000)
    assert found.room(0, 0, 11) == Amount(300, 900)
    assert found.room(0, 0, 16) == Amount(100, 200)
    assert found.room(0, 20, 40) == Amount(200, 300)
    assert found.room(0, 30, 40) == Amount(400, 1000)


def test_slots_one_after_the_other_do_not_add_up() -> None:
    assert table(slot(0, 10, 300), slot(10, 20, 300)).room(0, 0, 20).cpu_percent == 100


def test_a_slot_without_end_takes_for_ever() -> None:
    found = table(slot(10, FOREVER))
    assert found.room(0, 0, FOREVER).cpu_percent == 300
    assert found.ends_s(0) == []


def test_an_unknown_host_has_no_room() -> None:
    assert table().room(9, 0, 1) == Amount()


def test_ends_are_the_instants_at_which_something_becomes_free() -> None:
    assert table(slot(0, 30), slot(0, 10), slot(5, 10)).ends_s(0) == [10, 30]
    assert table(slot(0, 30), slot(0, 10)).ends_s(10) == [30]


def test_slots_at_an_instant_are_counted() -> None:
    found = table(slot(0, 10), slot(5, 15))
    assert [found.slots_at(0, instant_s) for instant_s in (0, 5, 10, 15)] == [1, 2, 1, 0]
    assert found.next_start_s(0, 0) == 5
    assert found.next_start_s(0, 5) == FOREVER


@pytest.mark.parametrize("seed", range(30))
def test_room_equals_the_least_of_every_second(seed: int) -> None:
    dice = random.Random(seed)
    slots = []
    for _ in range(dice.randint(0, 12)):
        start_s = dice.randint(0, 30)
        slots.append(slot(start_s, start_s + dice.randint(0, 15), dice.randint(0, 90), dice.randint(0, 200)))
    found = table(*slots)
    start_s = dice.randint(0, 30)
    end_s = start_s + dice.randint(1, 20)
    taken = [
        [item.amount for item in slots if item.start_s <= second < item.end_s]
        for second in range(start_s, end_s)
    ]
    assert found.room(0, start_s, end_s) == Amount(
        min(400 - sum(amount.cpu_percent for amount in second) for second in taken),
        min(1000 - sum(amount.memory_kib for amount in second) for second in taken),
    )
