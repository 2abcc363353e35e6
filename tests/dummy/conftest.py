from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.vmm import Guest
from opennebula_core.model.template import Template, Vector


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., DriverContext]:
    """What a dummy driver is given, with these settings."""
    return lambda **settings: DriverContext("dummy", tmp_path, settings)


@pytest.fixture
def guest() -> Callable[..., Guest]:
    """A guest of a VM on a host."""

    def make(vm_id: int = 7, host: str = "host01", deploy_id: str = "", attempt: int = 1) -> Guest:
        template = Template(
            [
                ("CPU", "0.5"),
                ("MEMORY", "256"),
                ("DISK", Vector({"DISK_ID": "0"})),
                ("NIC", Vector({"NIC_ID": "0"})),
            ]
        )
        return Guest(
            vm_id=vm_id,
            name=f"web {vm_id}",
            host=host,
            deploy_id=deploy_id,
            directory=f"/ds/0/{vm_id}",
            template=template,
            user_template=Template(),
            document=Element("VM"),
            datastore=Element("DATASTORE"),
            attempt=attempt,
        )

    return make
