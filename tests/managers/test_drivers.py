from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.errors import DriverTimeoutError
from opennebula_core.testing.cloud import running_cloud
from opennebula_core.wire.requests import DatastoreRequest

STORE = "<DATASTORE><ID>100</ID><DS_MAD>dummy</DS_MAD></DATASTORE>"


@pytest.mark.parametrize(("action", "is_dropped"), [("CP", True), ("RM", True), ("MONITOR", False)])
async def test_what_takes_too_long_is_dropped_in_the_driver_unless_its_number_is_no_images(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, action: str, is_dropped: bool
) -> None:
    caplog.set_level(logging.INFO)
    async with running_cloud(tmp_path) as cloud:
        cloud.behave({f"datastore/{action}": {"hang": True}})
        drivers, request = cloud.daemon.core.drivers, DatastoreRequest(action, 77, "<IMAGE/>", STORE)
        look = DatastoreRequest("STAT", 78, "<IMAGE/>", STORE)
        assert (await drivers.request("datastore", "dummy", look)).success
        with pytest.raises(DriverTimeoutError, match=f"{action} 77"):
            await drivers.request("datastore", "dummy", request, timeout=timedelta(seconds=0.2))
        assert (await drivers.request("datastore", "dummy", look)).success
        assert ("Driver command for 77 cancelled" in caplog.text) is is_dropped
