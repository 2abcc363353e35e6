"""The plugins that may refuse requests, or want to hear of them."""

from __future__ import annotations

from opennebula_core.contracts.event import RequestOutcome
from opennebula_core.contracts.method import Session
from opennebula_core.plugins import HookManager, ask, notify


class RequestHooks:
    """The two hooks around a request."""

    def __init__(self, hooks: HookManager) -> None:
        self._before = hooks.hook.opennebula_before_request
        self._done = hooks.hook.opennebula_request_done

    @property
    def are_wanted(self) -> bool:
        """Whether any plugin implements one of them; otherwise requests need not pay for them."""
        return bool(self._before.get_hookimpls() or self._done.get_hookimpls())

    def before_request(self, session: Session, method: str, parameters: tuple[object, ...]) -> None:
        """Ask all plugins; one that raises refuses the request."""
        ask(self._before, session=session, method=method, parameters=parameters)

    def request_done(self, outcome: RequestOutcome) -> None:
        """Tell all plugins of a request that was carried out or refused."""
        notify(self._done, outcome=outcome)
