"""What the core asks of drivers, as values; a dialect turns them into lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Request(Protocol):
    """What every request has: the action word, and the id that its answer will carry."""

    @property
    def action(self) -> str:
        """The action word, in upper case."""

    @property
    def object_id(self) -> int:
        """Id of the object, or a number of the request's own."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request ended; ``info`` is the rest of the answer, in the words of OpenNebula 6.10."""

    success: bool
    info: str


@dataclass(frozen=True, slots=True)
class VmmRequest:
    """An action on a guest; texts that do not concern it stay empty.

    :param vm_xml: the VM document, root ``VM``
    :param datastore_xml: the system datastore's document, root ``DATASTORE``
    :param migr_host: destination of MIGRATE, other host of CLEANUP
    :param local_deployment_file: the description on the front-end, which DEPLOY names
    :param tm_command: transfer lines that belong to the action
    :param tm_command_rollback: the lines that undo them
    :param disk_target_path: the disk file on the host that the action is about
    :param host_xml: the HOST document, for DESCRIBE
    :param attempt: 1, or more when it is sent again after a crash
    """

    action: str
    vm_id: int
    host: str
    vm_xml: str
    datastore_xml: str = ""
    migr_host: str = ""
    deploy_id: str = ""
    local_deployment_file: str = ""
    remote_deployment_file: str = ""
    checkpoint_file: str = ""
    tm_command: str = ""
    tm_command_rollback: str = ""
    disk_target_path: str = ""
    host_xml: str = ""
    attempt: int = 1
    security_group_id: int | None = None
    virtual_network_id: int | None = None

    @property
    def object_id(self) -> int:
        """The VM's id."""
        return self.vm_id


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """A transfer script to run; the core writes it in the form of 6.10."""

    vm_id: int
    script_path: Path | str

    @property
    def action(self) -> str:
        """TRANSFER."""
        return "TRANSFER"

    @property
    def object_id(self) -> int:
        """The VM's id."""
        return self.vm_id


@dataclass(frozen=True, slots=True)
class DatastoreRequest:
    """An action on an image or a datastore.

    :param id: the image's, the datastore's (MONITOR), or a number of the request's own (STAT)
    :param image_xml: the IMAGE document, empty for MONITOR
    """

    action: str
    id: int
    image_xml: str
    datastore_xml: str
    attempt: int = 1

    @property
    def object_id(self) -> int:
        """The id that the answer carries."""
        return self.id


@dataclass(frozen=True, slots=True)
class MonitorRequest:
    """Switch the monitoring of a host on (START_MONITOR) or off (STOP_MONITOR).

    :param host_xml: the HOST document
    :param configuration_xml: root ``MONITOR_CONFIGURATION``: NETWORK and PROBES_PERIOD
    """

    action: str
    host_id: int
    host_xml: str
    configuration_xml: str

    @property
    def object_id(self) -> int:
        """The host's id."""
        return self.host_id


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """Credentials to check.

    :param request_id: a number of the request's own
    :param user_id: -1 when the name is not known yet; then ``password`` is ``-``
    :param driver: the authentication driver that the session names
    """

    request_id: int
    user_id: int
    driver: str
    user: str
    password: str
    secret: str

    @property
    def action(self) -> str:
        """AUTHENTICATE."""
        return "AUTHENTICATE"

    @property
    def object_id(self) -> int:
        """The request's number."""
        return self.request_id
