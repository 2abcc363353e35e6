from __future__ import annotations

import asyncio
import xmlrpc.client
from xml.etree import ElementTree

import pyone

from opennebula_core.config.settings import DEFAULT_VERSION

from .conftest import ADMIN, ALICE, Api


async def test_the_version_parses_as_one_that_clients_know(api: Api) -> None:
    with api.client(ALICE) as client:
        version = await asyncio.to_thread(client.text, "one.system.version")
    assert version == DEFAULT_VERSION
    assert tuple(map(int, version.split("."))) >= (6, 4, 0)


async def test_the_configuration_shows_no_secret(api: Api) -> None:
    with api.client(ALICE) as client:
        text = await asyncio.to_thread(client.text, "one.system.config")
    root = ElementTree.fromstring(text)
    assert root.tag == "OPENNEBULA_CONFIGURATION"
    assert root.findtext("DATASTORE_LOCATION") == "/var/lib/one/datastores"
    assert root.findtext("PORT") == "2633"
    assert "CONTEXT/FILES" in [element.text for element in root.iter("VM_RESTRICTED_ATTR")]


async def test_pyone_asks_for_the_version(api: Api) -> None:
    def ask() -> object:
        with pyone.OneServer(api.endpoint, session=ADMIN) as one:
            return one.system.version()

    assert await asyncio.to_thread(ask) == DEFAULT_VERSION


async def test_pyone_raises_its_own_exception_for_a_bad_password(api: Api) -> None:
    def ask() -> object:
        with pyone.OneServer(api.endpoint, session="oneadmin:wrong") as one:
            try:
                return one.system.version()
            except pyone.OneAuthenticationException as error:
                return error

    assert isinstance(await asyncio.to_thread(ask), pyone.OneAuthenticationException)


async def test_the_api_describes_itself_without_a_session(api: Api) -> None:
    def ask() -> tuple[object, ...]:
        with xmlrpc.client.ServerProxy(api.endpoint) as proxy:
            return (
                proxy.system.listMethods(),
                proxy.system.methodSignature("one.test.echo"),
                proxy.system.methodHelp("one.system.version"),
                proxy.system.methodExist("one.nothing"),
                proxy.system.capabilities(),
            )

    names, signature, text, exists, capabilities = await asyncio.to_thread(ask)
    assert {"one.system.version", "one.test.echo", "system.multicall"} <= set(names)  # type: ignore[call-overload]
    assert signature == [["array", "string", "int", "string", "boolean", "array"]]
    assert text == "Return the API's version."
    assert exists is False
    assert capabilities["facility"] == "opennebula-core"  # type: ignore[index]
