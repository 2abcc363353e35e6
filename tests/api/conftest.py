"""A cloud's API over the real store, with some methods of its own to be called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from opennebula_core.api.authentication import Authenticator
from opennebula_core.api.changes import ChangeFeed
from opennebula_core.api.configuration import shown_configuration
from opennebula_core.api.dispatch import Dispatcher
from opennebula_core.api.http import HttpApplication
from opennebula_core.api.methods import MethodTable
from opennebula_core.api.server import Server
from opennebula_core.api.system_methods import system_methods
from opennebula_core.client import Client
from opennebula_core.config import ApiSettings, Config, Location
from opennebula_core.contracts.manager import HttpRequest, HttpResponse
from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import DriverError, ParameterError, StateError
from opennebula_core.model.objects import Group, Lock, User, VmTemplate
from opennebula_core.model.passwords import Cost, hash_password, server_digest
from opennebula_core.model.template import Template

CHEAP = Cost(n=16, r=8, p=1)
ADMIN, ALICE, BOB = "oneadmin:secret", "alice:wonder", "bob:builder"


def make_people(tx: Transaction) -> None:
    tx.groups.allocate(Group(0, "oneadmin"))
    tx.groups.allocate(Group(1, "users"))
    for user_id, name, secret, gid in (
        (0, "oneadmin", "secret", 0),
        (2, "alice", "wonder", 1),
        (3, "bob", "builder", 1),
    ):
        group = "oneadmin" if gid == 0 else "users"
        tx.users.allocate(
            User(
                user_id,
                name,
                uid=user_id,
                gid=gid,
                uname=name,
                gname=group,
                password=hash_password(secret, CHEAP),
                group_ids=[gid],
            )
        )
    tx.users.allocate(
        User(
            1,
            "serveradmin",
            uid=1,
            gname="oneadmin",
            password=server_digest("opensesame"),
            auth_driver="server_cipher",
            group_ids=[0],
        )
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "one.db", synchronous="OFF")
    store.write_now(make_people)
    yield store
    store.close()


def template_of(tx: Snapshot, _session: Session, template_id: int) -> bytes:
    text = tx.vm_templates.get(template_id).template.to_text()
    return text.replace("&", "&amp;").replace("<", "&lt;").encode()


def count_templates(tx: Snapshot, _session: Session, _flag: int) -> int:
    return int(tx.value("SELECT COUNT(*) FROM vm_template"))


def allocate_template(tx: Transaction, session: Session, name: str) -> int:
    made = VmTemplate(
        -1, name, session.user_id, session.group_id, session.user_name, session.group_name, 0o600
    )
    return tx.vm_templates.allocate(made)


def update_template(tx: Transaction, _session: Session, template_id: int, template: Template) -> int:
    changed = tx.vm_templates.get(template_id)
    changed.template = template
    tx.vm_templates.save(changed)
    return template_id


def lock_template(tx: Transaction, session: Session, template_id: int, level: int) -> int:
    changed = tx.vm_templates.get(template_id)
    changed.lock = Lock(level, session.user_id, 1) if level else None
    tx.vm_templates.save(changed)
    return template_id


def fail(_tx: Transaction, _session: Session, how: str) -> object:
    raise {
        "state": StateError("event 'x' is not allowed"),
        "parameter": ParameterError("Wrong update type", 7),
        "driver": DriverError("secret detail"),
        "bug": ZeroDivisionError("secret detail"),
    }[how]


async def greet(session: Session, greeting: str) -> str:
    return f"{greeting}, {session.user_name}"


def echo(_tx: Snapshot, _session: Session, number: int, text: str, flag: bool, ids: list[int]) -> str:
    return f"{number} {text} {flag} {ids}"


def return_wrong_type(_tx: Snapshot, _session: Session) -> object:
    return {"a": "dictionary"}


TEMPLATE_ID = Param("id", int)
METHODS = (
    Method(
        "one.test.info",
        (TEMPLATE_ID,),
        (Need(ObjectKind.TEMPLATE, Right.USE, "id"),),
        Mode.POINT,
        template_of,
        "Return a template.",
    ),
    Method(
        "one.test.list",
        (Param("filter", int, -2),),
        Access.LISTING,
        Mode.READ,
        count_templates,
        "Return how many templates there are.",
    ),
    Method(
        "one.test.allocate",
        (Param("name", str),),
        (Need(ObjectKind.TEMPLATE, Right.CREATE),),
        Mode.WRITE,
        allocate_template,
        "Make a template.",
    ),
    Method(
        "one.test.update",
        (TEMPLATE_ID, Param("template", str)),
        (Need(ObjectKind.TEMPLATE, Right.MANAGE, "id"),),
        Mode.WRITE,
        update_template,
        "Replace a template.",
        prepare=lambda template_id, text: (template_id, Template.parse(text)),
    ),
    Method(
        "one.test.lock",
        (TEMPLATE_ID, Param("level", int)),
        (Need(ObjectKind.TEMPLATE, Right.MANAGE, "id"),),
        Mode.WRITE,
        lock_template,
        "Lock a template, or unlock it with level 0.",
        ignores_lock=True,
    ),
    Method("one.test.fail", (Param("how", str),), Access.ADMINS, Mode.WRITE, fail, "Fail."),
    Method("one.test.greet", (Param("greeting", str, "hello"),), Access.ANYONE, Mode.ASYNC, greet, "Greet."),
    Method(
        "one.test.echo",
        (Param("number", int), Param("text", str), Param("flag", bool, False), Param("ids", list[int], [])),
        Access.ANYONE,
        Mode.POINT,
        echo,
        "Return the parameters.",
    ),
    Method("one.test.wrong", (), Access.ANYONE, Mode.POINT, return_wrong_type, "Return what cannot be sent."),
)


async def tell_path(request: HttpRequest) -> HttpResponse:
    if request.query == "fail":
        raise ZeroDivisionError
    return HttpResponse(201, "text/plain", f"{request.method} {request.path} {request.body!r}".encode())


@dataclass
class Api:
    """What a test gets: the parts, and the address that they answer at."""

    store: Store
    table: MethodTable
    feed: ChangeFeed
    authenticator: Authenticator
    dispatcher: Dispatcher
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/RPC2"

    def client(self, session: str | Callable[[], str] = ADMIN) -> Client:
        return Client(self.endpoint, session, timeout_s=20)


@pytest.fixture
async def api(store: Store, tmp_path: Path) -> AsyncIterator[Api]:
    feed = ChangeFeed(store)
    config = Config(Location.at(tmp_path))
    system = system_methods(feed, lambda: shown_configuration(config), version=config.api.version)
    table = MethodTable((*system, *METHODS))
    authenticator = Authenticator(store, cost=CHEAP)
    dispatcher = Dispatcher(store, authenticator, table, version=config.api.version)
    application = HttpApplication(dispatcher, store, {"/audit": tell_path}, max_body_bytes=1 << 20)
    server = Server(ApiSettings(port=0), application)
    await server.start()
    yield Api(store, table, feed, authenticator, dispatcher, server.port)
    feed.close()
    await server.stop()
    authenticator.close()
