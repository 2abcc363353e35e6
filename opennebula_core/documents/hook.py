"""HOOK documents, the log of executions, and what a hook on a call is told of it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, element, lock, text
from opennebula_core.model.objects import Hook
from opennebula_core.model.template_xml import leaf_text

_START, _END = escape_document("<HOOK>"), escape_document("</HOOK>")
_NUMBERS: Final = escape_document(
    "<HOOK_ID>%d</HOOK_ID><EXECUTION_ID>%d</EXECUTION_ID><TIMESTAMP>%d</TIMESTAMP>"
)


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution that has ended.

    :param time: when it began
    :param code: the exit status; 255 for what could not be run, or did not end in time
    """

    hook_id: int
    execution_id: int
    time: int
    arguments: str
    remote_host: str
    is_retry: bool
    command: str
    code: int
    stdout: str
    stderr: str


def render_hook(hook: Hook, log: Iterable[Execution] | None = None) -> str:
    """Return the HOOK document, escaped; with its log if that is given."""
    parts = [
        _START,
        element("ID", str(hook.id)),
        element("NAME", text(hook.name)),
        element("TYPE", hook.type),
        lock(hook.lock),
        hook.template.to_xml(escaped=True),
    ]
    if log is not None:
        parts.append(render_log(log))
    return "".join((*parts, _END))


def render_log(log: Iterable[Execution]) -> str:
    """Return HOOKLOG with a record of each execution, escaped."""
    return element("HOOKLOG", "".join(map(_record, log)))


def _record(execution: Execution) -> str:
    result = (
        element("COMMAND", cdata(execution.command))
        + element("STDOUT", _encoded(execution.stdout))
        + element("STDERR", _encoded(execution.stderr))
        + element("CODE", str(execution.code))
    )
    content = (
        _NUMBERS % (execution.hook_id, execution.execution_id, execution.time)
        + element("ARGUMENTS", cdata(execution.arguments))
        + element("EXECUTION_RESULT", result)
    )
    if execution.remote_host:
        content += element("REMOTE_HOST", text(execution.remote_host))
    if execution.is_retry:
        content += element("RETRY", "yes")
    return element("HOOK_EXECUTION_RECORD", content)


def _encoded(output: str) -> str:
    return base64.b64encode(output.encode()).decode()


def render_call(given: Sequence[str], returned: Sequence[str], extra: str = "", *, is_success: bool) -> str:
    """Return CALL_INFO as plain XML. Source: OpenNebula 6.10, messages of its hook manager.

    :param extra: the document of the object that was made or removed, as plain XML
    """
    parameters = "".join(
        f"<PARAMETER><POSITION>{position}</POSITION><TYPE>{kind}</TYPE><VALUE>{_value(value)}</VALUE></PARAMETER>"
        for kind, values in (("IN", given), ("OUT", returned))
        for position, value in enumerate(values, 1)
    )
    return (
        f"<CALL_INFO><RESULT>{int(is_success)}</RESULT><PARAMETERS>{parameters}</PARAMETERS>"
        f"<EXTRA>{extra}</EXTRA></CALL_INFO>"
    )


def _value(value: str) -> str:
    return escape_document(leaf_text(value, escaped=False))
