from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.cli.shell import Shell, wait_until

TEMPLATE = """NAME="{name}"
TYPE=state
RESOURCE=VM
STATE=HOLD
COMMAND="say.sh"
ARGUMENTS="one $TEMPLATE"
"""


@pytest.fixture
def hook_id(cloud: Shell, fresh_name: Callable[[str], str]) -> int:
    """A hook on held VMs that has run once; the test deletes it."""
    path = cloud.location / "var/remotes/hooks/say.sh"
    path.write_text('#!/bin/sh\necho said $1\necho wrong >&2\n[ -z "$FAIL" ]\n')
    path.chmod(0o755)
    made = cloud.ok("onehook create -", stdin=TEMPLATE.format(name=fresh_name("hook")))
    hook_id = int(made.split()[-1])
    cloud.make("onevm create --cpu 0.1 --memory 32 --hold")
    wait_until(lambda: "SUCCESS" in cloud.ok(f"onehook show {hook_id}"))
    return hook_id


def test_a_hook_is_made_listed_shown_and_deleted(cloud: Shell, hook_id: int) -> None:
    assert [str(hook_id), "state", "HOLD"] in cloud.rows("onehook list -l ID,TYPE,STATE")
    assert str(hook_id) in cloud.ok("onehook top --once")
    shown = cloud.ok(f"onehook show {hook_id}")
    assert 'COMMAND="say.sh"' in shown.replace(" ", "")
    assert "EXECUTION LOG" in shown
    document = json.loads(cloud.ok(f"onehook show {hook_id} --json"))
    assert document["HOOK"]["ID"] == str(hook_id)
    cloud.ok(f"onehook delete {hook_id}")
    assert [str(hook_id)] not in cloud.rows("onehook list -l ID")


def test_an_execution_is_shown_with_its_document_and_outputs(cloud: Shell, hook_id: int) -> None:
    shown = cloud.ok(f"onehook show {hook_id} -e 0")
    assert "said one" in shown
    assert "wrong" in shown
    assert "<VM><ID>" in shown
    assert "has no execution 99" in cloud.refused(f"onehook show {hook_id} -e 99")
    cloud.ok(f"onehook delete {hook_id}")


def test_the_log_of_all_hooks_is_searched_and_a_run_repeated(cloud: Shell, hook_id: int) -> None:
    def rows(options: str) -> list[list[str]]:
        lines = cloud.ok(f"onehook log {options}").splitlines()
        return [line.split() for line in lines if line.split()[:1] == [str(hook_id)]]

    assert len(rows(f"--hook-id {hook_id}")) == 1
    assert rows("--success")
    assert not rows("--error")
    assert not rows("--since 2099-01-01")
    assert rows("--until 2099-01-01")
    cloud.ok(f"onehook retry {hook_id} 0")
    wait_until(lambda: len(rows("")) == 2)
    assert "is no moment" in cloud.misused("onehook log --since soon")
    cloud.ok(f"onehook delete {hook_id}")


def test_a_hook_is_changed_renamed_and_locked(
    cloud: Shell, hook_id: int, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("other")
    cloud.ok(f"onehook rename {hook_id} {name}")
    cloud.ok(f"onehook update {name} - --append", stdin="TIMEOUT=5\n")
    cloud.ok(f"onehook lock {name} --level all")
    assert "locked" in cloud.refused(f"onehook delete {name}")
    cloud.ok(f"onehook unlock {name}")
    assert "TIMEOUT" in cloud.ok(f"onehook show {name}")
    cloud.ok(f"onehook delete {name}")
