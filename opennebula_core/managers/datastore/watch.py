"""How much room datastores have, asked of their drivers on a period."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from datetime import timedelta

from opennebula_core.db.transaction import Transaction
from opennebula_core.documents.datastore import datastore_xml
from opennebula_core.errors import DriverError, TemplateError
from opennebula_core.managers.core import Core
from opennebula_core.managers.host.capacity import LARGEST
from opennebula_core.model.objects import Datastore
from opennebula_core.model.states import DatastoreType
from opennebula_core.model.template import Template
from opennebula_core.wire.requests import DatastoreRequest

LOG = logging.getLogger(__name__)

PERIOD_S = 300.0
"""Source: MONITORING_INTERVAL_DATASTORE of OpenNebula 6.10."""
TIMEOUT = timedelta(seconds=60)
ERROR = "ERROR"
"""Attribute with the reason why a datastore cannot be monitored."""


class DatastoreWatch:
    """Keeps TOTAL_MB, USED_MB and FREE_MB of image datastores."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def watch(self) -> None:
        """Run for ever."""
        while True:
            for datastore in self._core.store.read(
                lambda tx: tx.datastores.where("type <> ?", (DatastoreType.SYSTEM_DS,))
            ):
                await self._look(datastore)
            await asyncio.sleep(PERIOD_S)

    async def _look(self, datastore: Datastore) -> None:
        request = DatastoreRequest("MONITOR", datastore.id, "", datastore_xml(datastore))
        try:
            reply = await self._core.drivers.request("datastore", datastore.ds_mad, request, timeout=TIMEOUT)
            if not reply.success:
                raise DriverError(reply.info)
            usage = Template.parse(base64.b64decode(reply.info, validate=True).decode() + "\n")
            figures = [_figure(usage.get(name, "0")) for name in ("TOTAL_MB", "USED_MB", "FREE_MB")]
        except (DriverError, TemplateError, binascii.Error, UnicodeDecodeError, ValueError) as error:
            LOG.warning("datastore %d: cannot be monitored: %s", datastore.id, error)
            if (text := str(error)) != datastore.template.get(ERROR):
                await self._core.store.write(lambda tx: _note_error(tx, datastore.id, text))
            return
        is_well = ERROR not in datastore.template
        if not is_well or figures != [datastore.total_mb, datastore.used_mb, datastore.free_mb]:
            await self._core.store.write(lambda tx: _note(tx, datastore.id, figures))


def _figure(text: str) -> int:
    return int(max(min(float(text), LARGEST), 0.0))


def _note(tx: Transaction, datastore_id: int, figures: list[int]) -> None:
    datastore = tx.datastores.find(datastore_id)
    if datastore is not None:
        datastore.total_mb, datastore.used_mb, datastore.free_mb = figures
        datastore.template.remove(ERROR)
        tx.datastores.save(datastore)


def _note_error(tx: Transaction, datastore_id: int, text: str) -> None:
    """Keep the reason where everybody looks; a datastore has no state for it."""
    datastore = tx.datastores.find(datastore_id)
    if datastore is not None:
        datastore.template.set(ERROR, text)
        tx.datastores.save(datastore)
