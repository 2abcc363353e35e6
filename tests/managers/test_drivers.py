from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.errors import DriverTimeoutError
from opennebula_core.model.states import ImageState
from opennebula_core.testing.cloud import running_cloud
from opennebula_core.wire.requests import DatastoreRequest

STORE = "<DATASTORE><ID>100</ID><DS_MAD>dummy</DS_MAD></DATASTORE>"


async def test_a_datastores_request_that_takes_too_long_is_dropped_in_the_driver_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    limit = "\n[drivers.datastore.dummy]\ntimeout_s = 1.0\n"
    async with running_cloud(tmp_path, settings=limit) as cloud:
        cloud.behave({"datastore/CP": {"hang": True}})
        image_id = await cloud.new("one.image.allocate", "NAME=slow\nPATH=/any", cloud.datastore_id)
        await cloud.until(lambda: cloud.image(image_id).state is ImageState.ERROR, "its failure")
        await cloud.until(
            lambda: f"Driver command for {image_id} cancelled" in caplog.text, "the driver's word"
        )


@pytest.mark.parametrize(("action", "is_dropped"), [("RM", True), ("MONITOR", False)])
async def test_a_look_at_a_datastore_does_not_drop_the_work_on_the_image_of_that_number(
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
