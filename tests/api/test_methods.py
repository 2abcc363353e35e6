from __future__ import annotations

from dataclasses import replace

import pytest

from opennebula_core.api.methods import MethodTable
from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right
from opennebula_core.errors import PluginConflictError, PluginError


def handler(*_arguments: object) -> int:
    return 0


async def nothing(*_arguments: object) -> tuple[object, ...]:
    return ()


async def coroutine(*_arguments: object) -> int:
    return 0


GOOD = Method(
    "one.vm.info",
    (Param("id", int), Param("decrypt", bool, False)),
    (Need(ObjectKind.VM, Right.USE, "id"),),
    Mode.POINT,
    handler,
    "Return a VM.",
)


def test_a_declared_method_is_found_by_its_name() -> None:
    table = MethodTable([GOOD])
    entry = table.get("one.vm.info")
    assert entry is not None
    assert entry.method is GOOD
    assert "one.vm.info" in table
    assert list(table) == [GOOD]
    assert table.get("one.vm.nothing") is None


def test_two_methods_of_one_name_are_refused() -> None:
    with pytest.raises(PluginConflictError, match=r"one\.vm\.info"):
        MethodTable([GOOD, GOOD])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(GOOD, needs=()), "declares no right"),
        (replace(GOOD, name="vm.info"), "one."),
        (replace(GOOD, doc=" "), "documentation"),
        (replace(GOOD, needs=(Need(ObjectKind.VM, Right.USE, "vm_id"),)), "no parameter"),
        (replace(GOOD, params=(Param("id", int), Param("id", int))), "same name"),
        (replace(GOOD, params=(Param("id", int, 0), Param("name", str))), "without a default"),
        (replace(GOOD, handler=coroutine), "async def"),
        (replace(GOOD, mode=Mode.ASYNC, needs=Access.ANYONE), "async def"),
        (replace(GOOD, prepare=lambda *values: values), "prepare"),
        (replace(GOOD, before=nothing), "wait for before"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_declaration_is_refused(wrong: Method, reason: str) -> None:
    with pytest.raises(PluginError, match=reason):
        MethodTable([wrong])


def test_looking_at_a_locked_object_is_allowed_changing_it_is_not() -> None:
    table = MethodTable(
        [
            GOOD,
            replace(GOOD, name="one.vm.use", mode=Mode.WRITE),
            replace(GOOD, name="one.vm.unlock", mode=Mode.WRITE, ignores_lock=True),
        ]
    )
    heeded = {
        method.name: entry.rights[0].heeds_lock
        for method in table
        if (entry := table.get(method.name)) is not None
    }
    assert heeded == {"one.vm.info": False, "one.vm.use": True, "one.vm.unlock": False}
