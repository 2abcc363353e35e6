"""Virtualisation drivers as a process."""

from __future__ import annotations

from typing import cast

from opennebula_core.contracts.vmm import VmmDriver
from opennebula_core.plugins.description import actions_of
from opennebula_core.wire.framing import RequestLine
from opennebula_core.wire.services.guest import read_call
from opennebula_core.wire.services.report import WireReport
from opennebula_core.wire.services.service import Job, Service
from opennebula_core.wire.services.vmm_actions import ACTIONS, Work
from opennebula_core.wire.services.vmm_steps import Steps


class VmmService(Service):
    """Carries out the actions on guests, with the transfer and network steps around them."""

    kind = "vmm"

    def load(self) -> None:
        """Load the driver."""
        self._driver = cast(VmmDriver, self.drivers.get(self.kind, self.name))
        self._actions = frozenset(actions_of(self.kind, type(self._driver)))

    def job(self, request: RequestLine, report: WireReport) -> Job:
        """Decode a request and choose its steps.

        :raises NotImplementedError: the driver does not say that it does it
        :raises DriverError: its payload is damaged
        """
        action = ACTIONS.get(request.action)
        if action is None:
            raise NotImplementedError
        if request.action not in self._actions:
            raise NotImplementedError("it is not among its optional_actions")
        call = read_call(request, report)
        work = Work(call, self._driver, Steps(self.drivers, report, call.guest.attempt))
        return Job(call.guest.host, lambda: action(work))
