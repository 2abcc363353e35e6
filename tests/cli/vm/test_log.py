from __future__ import annotations

from tests.cli.shell import Shell, wait_until


def test_the_log_says_what_happened(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --wait --timeout 60")

    # The lines of a moment are written together: the log is a little later than the state.
    wait_until(lambda: "New LCM state is RUNNING" in cloud.run(f"onevm log {vm_id}").output)
    assert len(cloud.ok(f"onevm log {vm_id} -n 2").splitlines()) == 2


def test_a_vm_without_a_log_here_is_told_so(cloud: Shell) -> None:
    assert "run this on the front-end" in cloud.refused("onevm log 999999")
