"""The error tree: every error that the project raises on purpose descends from OpenNebulaError.

::

    OpenNebulaError
    ├── ConfigError                 oned.toml, a driver's options, environment
    ├── PluginError                 a plugin that cannot be found, loaded or used
    │   ├── DriverNotFoundError
    │   └── PluginConflictError
    ├── TemplateError               a template text that does not parse
    ├── ExpressionError             a requirement or rank that does not parse
    ├── XmlError                    a document that is not well-formed, or too large
    ├── StateError                  an event that a state does not allow
    ├── DriverError                 what a driver answers: the action failed
    │   ├── DriverTimeoutError      no answer in time
    │   └── DriverGoneError         the driver's process ended with the request in flight
    │       └── DriverUnusableError it cannot be started at all: missing, misconfigured, or it refused
    ├── RemoteError                 a command on a host that could not be run at all
    ├── StoreError                  the database
    ├── ClientError                 the API could not be reached or answered rubbish
    │   └── FaultError              an XML-RPC fault: unknown method, wrong parameter types
    └── RequestError                what an API call answers; carries OpenNebula's error code
        ├── AuthenticationError     0x0100
        ├── AuthorizationError      0x0200
        ├── NotFoundError           0x0400
        ├── ActionError             0x0800
        ├── ParameterError          0x1000
        ├── InternalError           0x2000
        ├── AllocateError           0x4000
        └── LockedError             0x8000

Messages read ``<what failed>: <why>; <what to do or what exists>``, lower case, no full stop, user words
quoted; texts that OpenNebula's clients compare keep OpenNebula's wording.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class OpenNebulaError(Exception):
    """Root of the tree."""


class ConfigError(OpenNebulaError):
    """A setting is missing, misspelt or of the wrong type."""


class PluginError(OpenNebulaError):
    """A plugin cannot be loaded or used."""


class DriverNotFoundError(PluginError):
    """No installed package offers the driver or policy that was named.

    :param known: the names that are installed in that group
    """

    def __init__(self, group: str, name: str, known: Iterable[str]) -> None:
        self.group = group
        self.name = name
        self.known = tuple(sorted(known))
        installed = ", ".join(self.known) or "none"
        near = get_close_matches(name, self.known, n=1)
        hint = f"did you mean {near[0]!r}? else " if near else ""
        super().__init__(
            f"no driver {name!r} in {group}: installed are {installed}; "
            f"{hint}install the package that offers it, or correct the name"
        )


class PluginConflictError(PluginError):
    """Two packages offer the same name in one group."""


class TemplateError(OpenNebulaError):
    """A template does not parse.

    :param line: 1-based line of the offending token, 0 when unknown
    """

    def __init__(self, message: str, line: int = 0) -> None:
        self.line = line
        super().__init__(message)


class ExpressionError(OpenNebulaError):
    """A requirement or rank expression does not parse.

    :param column: 1-based position in the text
    """

    def __init__(self, message: str, column: int = 0) -> None:
        self.column = column
        super().__init__(message)


class XmlError(OpenNebulaError):
    """An XML text is not well-formed, too large, or has what is not allowed (doctype, entities)."""


class StateError(OpenNebulaError):
    """An event is not allowed in the state that the object is in."""


class DriverError(OpenNebulaError):
    """A driver's action failed; the message goes into the object's log and ERROR attribute."""


class DriverTimeoutError(DriverError):
    """A driver did not answer in time."""


class DriverGoneError(DriverError):
    """The driver's process ended while the request was in flight; its outcome is unknown."""


class DriverUnusableError(DriverGoneError):
    """The driver is missing, misconfigured, or refused to start: nothing was sent, asking again is no use."""


class RemoteError(OpenNebulaError):
    """A host could not be reached, or a command there not be started."""


class StoreError(OpenNebulaError):
    """The database cannot be opened, read or written."""


class ClientError(OpenNebulaError):
    """The API endpoint cannot be reached, or what it answers is no answer."""


class FaultError(ClientError):
    """The server knows no such method, or could not read the call.

    :param code: xmlrpc-c's fault code; :data:`UNKNOWN_METHOD` when there is no such method
    """

    UNKNOWN_METHOD: ClassVar[int] = -506

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class RequestError(OpenNebulaError):
    """An API call was refused; ``code`` is OpenNebula's error code.

    :param object_id: the object that caused the error, -1 when there is none
    """

    code: int = 0x2000
    by_code: ClassVar[dict[int, type[RequestError]]] = {}

    def __init__(self, message: str, object_id: int = -1) -> None:
        self.object_id = object_id
        super().__init__(message)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        RequestError.by_code[cls.code] = cls


class AuthenticationError(RequestError):
    """The session was refused."""

    code = 0x0100


class AuthorizationError(RequestError):
    """The user lacks the right, or a quota is used up."""

    code = 0x0200


class NotFoundError(RequestError):
    """There is no object with that id."""

    code = 0x0400


class ActionError(RequestError):
    """The object's state does not allow it, it is in use, or the name is taken."""

    code = 0x0800


class ParameterError(RequestError):
    """A parameter is out of its range."""

    code = 0x1000


class InternalError(RequestError):
    """A template that does not parse, an object that cannot be made, a failure inside."""

    code = 0x2000


class AllocateError(RequestError):
    """An image cannot be allocated."""

    code = 0x4000


class LockedError(RequestError):
    """The object is locked."""

    code = 0x8000
