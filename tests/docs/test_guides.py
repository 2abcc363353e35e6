"""Every command of the pages for operators works, on a cloud of dummy drivers."""

from __future__ import annotations

from pathlib import Path

from tests.docs.typed import DOCS, commands, typed

CLOUD = """
one start --port 2655
onehost create dummy1 --im dummy --vm dummy
"""


def test_the_page_of_users(tmp_path: Path) -> None:
    assert "USE+MANAGE" in typed(CLOUD + commands(DOCS / "users.md"), tmp_path)


def test_the_page_of_quotas(tmp_path: Path) -> None:
    said = typed(CLOUD + commands(DOCS / "quotas.md"), tmp_path)

    assert "0.50 / 0.50" in said


def test_the_page_of_groups_of_vms(tmp_path: Path) -> None:
    said = typed(CLOUD + commands(DOCS / "vm-groups.md"), tmp_path)

    assert "app    2 db, web" in said


def test_the_page_of_backups(tmp_path: Path) -> None:
    assert "fine, schema version" in typed(CLOUD + commands(DOCS / "backup.md"), tmp_path)


def test_the_page_of_dummy_drivers(tmp_path: Path) -> None:
    said = typed(commands(DOCS / "dummy-drivers.md"), tmp_path)

    assert "oned.toml is fine." in said
    assert "dummy2,err" in said


def test_the_page_of_hooks(tmp_path: Path) -> None:
    rest = """
onevm create --cpu 0.1 --memory 32 --wait
for i in $(seq 300); do onehook log --success | grep SUCCESS && break; sleep 0.1; done
cat "$ONE_LOCATION/var/log/told"
"""
    assert "VM 0 runs" in typed(CLOUD + commands(DOCS / "hooks.md") + rest, tmp_path)


def test_the_page_of_logging_in(tmp_path: Path) -> None:
    said = typed(CLOUD + commands(DOCS / "log-in.md"), tmp_path)

    assert "Logged in as alice" in said
    assert "Logged in as bob" in said
