from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.managers.datastore import watch
from opennebula_core.testing.cloud import running_cloud


async def test_a_datastore_that_cannot_be_monitored_says_why_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PERIOD_S", 0.1)
    async with running_cloud(tmp_path) as cloud:

        async def error() -> str:
            document = await cloud.document("one.datastore.info", cloud.datastore_id)
            return document.findtext("TEMPLATE/ERROR", "")

        async def is_told() -> bool:
            return "no driver 'dumy'" in await error()

        async def is_well() -> bool:
            return not await error()

        await cloud.call("one.datastore.update", cloud.datastore_id, "DS_MAD=dumy\n", 1)
        await cloud.until(is_told, "the reason")
        await cloud.call("one.datastore.update", cloud.datastore_id, "DS_MAD=dummy\n", 1)
        await cloud.until(is_well, "the end of the error")
