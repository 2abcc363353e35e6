"""The kinds whose documents have no parts of their own to test: order, types, and pyone's opinion."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from pyone import bindings

from opennebula_core.documents.acl import render_acl_pool
from opennebula_core.documents.cluster import render_cluster
from opennebula_core.documents.datastore import datastore_xml, render_datastore
from opennebula_core.documents.escape import escape_document, unescape_document
from opennebula_core.documents.fragments import pool
from opennebula_core.documents.group import group_pool_end, render_group, render_group_in_pool
from opennebula_core.documents.image import image_xml, render_image
from opennebula_core.documents.secgroup import render_security_group
from opennebula_core.documents.template import render_template
from opennebula_core.documents.user import render_user, render_user_in_pool, user_pool_end
from opennebula_core.documents.zone import RAFT, render_zone
from opennebula_core.model.acl import parse_rule
from opennebula_core.model.objects import (
    AclRule,
    Cluster,
    Datastore,
    Group,
    Image,
    Lock,
    SecurityGroup,
    User,
    VmTemplate,
)
from opennebula_core.model.states import DatastoreType, ImageState
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]

IMAGE = Image(
    id=1,
    name="alpine",
    persistent=True,
    source="/images/<1>",
    size_mb=256,
    state=ImageState.USED_PERS,
    datastore_id=1,
    datastore="default",
    template=Template.parse('DEV_PREFIX="vd"'),
    lock=Lock(2, 0, 5),
)
DATASTORE = Datastore(
    id=1, name="default", ds_mad="fs", tm_mad="ssh", base_path="/srv/1", type=DatastoreType.IMAGE_DS
)
USER = User(id=2, name="alice", gid=1, gname="users", password="secret<>", group_ids=[100, 1])
GROUP = Group(id=100, name="web", user_ids=[2, 3], admin_ids=[3])


def pyone(document: str) -> Any:
    return bindings.parseString(unescape_document(document).encode(), True)


def test_an_image(read: Read) -> None:
    element = read(render_image(IMAGE, (7, 9), (4,)))

    assert [item.text for item in element.iterfind("VMS/ID")] == ["7", "9"]
    assert [item.text for item in element.iterfind("CLONES/ID")] == ["4"]
    assert element.findtext("SOURCE") == "/images/<1>"
    image = pyone(render_image(IMAGE, (7,)))
    assert (image.ID, image.PERSISTENT, image.STATE, image.SIZE) == (1, 1, 8, 256)
    assert list(image.VMS.ID) == [7]
    assert list(image.SNAPSHOTS.SNAPSHOT) == []
    assert escape_document(image_xml(IMAGE)) == render_image(IMAGE)


def test_a_datastore(read: Read) -> None:
    element = read(render_datastore(DATASTORE, (1, 2)))

    assert [item.text for item in element.iterfind("CLUSTERS/ID")] == ["0"]
    datastore = pyone(render_datastore(DATASTORE, (1, 2)))
    assert (datastore.ID, datastore.TYPE, datastore.DS_MAD, datastore.BASE_PATH) == (1, 0, "fs", "/srv/1")
    assert list(datastore.IMAGES.ID) == [1, 2]
    assert escape_document(datastore_xml(DATASTORE)) == render_datastore(DATASTORE)


def test_a_cluster(read: Read) -> None:
    cluster = Cluster(id=0, name="default", template=Template.parse('RESERVED_CPU="" RESERVED_MEM=""'))

    read(render_cluster(cluster, (1, 2), (0, 1), ()))
    found = pyone(render_cluster(cluster, (1, 2), (0, 1)))
    assert (list(found.HOSTS.ID), list(found.DATASTORES.ID), list(found.VNETS.ID)) == ([1, 2], [0, 1], [])


def test_a_vm_template(read: Read) -> None:
    template = VmTemplate(id=3, name="small", regtime=9, template=Template.parse("CPU=1 DISK=[IMAGE_ID=1]"))

    read(render_template(template))
    found = pyone(render_template(template))
    assert (found.ID, found.REGTIME, found.TEMPLATE["DISK"]["IMAGE_ID"]) == (3, 9, "1")


def test_a_user(read: Read) -> None:
    element = read(render_user(USER))

    assert [item.text for item in element.iterfind("GROUPS/ID")] == ["1", "100"]
    assert element.findtext("PASSWORD") == ""
    assert read(render_user(USER, show_password=True)).findtext("PASSWORD") == "secret<>"
    user = pyone(render_user(USER))
    assert (user.ID, user.GNAME, list(user.GROUPS.ID), user.ENABLED) == (2, "users", [1, 100], 1)


def test_users_and_their_quotas_alternate_in_the_pool() -> None:
    text = "&lt;USER_POOL&gt;" + render_user_in_pool(USER) * 2 + user_pool_end()

    element = ET.fromstring(unescape_document(text))

    assert [child.tag for child in element] == ["USER", "QUOTAS", "USER", "QUOTAS", "DEFAULT_USER_QUOTAS"]
    assert element.find("USER/VM_QUOTA") is None
    assert [user.ID for user in pyone(text).USER] == [2, 2]


def test_a_group(read: Read) -> None:
    read(render_group(GROUP))
    group = pyone(render_group(GROUP))

    assert (group.ID, list(group.USERS.ID), list(group.ADMINS.ID)) == (100, [2, 3], [3])
    text = "&lt;GROUP_POOL&gt;" + render_group_in_pool(GROUP) + group_pool_end()
    assert [child.tag for child in ET.fromstring(unescape_document(text))] == [
        "GROUP",
        "QUOTAS",
        "DEFAULT_GROUP_QUOTAS",
    ]
    assert [item.NAME for item in pyone(text).GROUP] == ["web"]


def test_rules_are_ordered_by_the_users_part(read: Read) -> None:
    texts = ("* ZONE/* USE *", "@1 HOST/* MANAGE #0", "#5 VM/#7 USE #0")
    parsed = (parse_rule(text) for text in texts)
    rules = [
        AclRule(number, rule.user, rule.resource, rule.rights, rule.zone)
        for number, rule in enumerate(parsed)
    ]

    element = read(render_acl_pool(rules))

    assert [item.findtext("STRING") for item in element] == [texts[2], texts[1], texts[0]]
    assert element.findtext("ACL/RESOURCE") == "1100000007"
    assert [rule.ID for rule in pyone(render_acl_pool(rules)).ACL] == [2, 1, 0]


def test_a_security_group(read: Read) -> None:
    group = SecurityGroup(
        id=0, name="default", template=Template.parse("RULE=[PROTOCOL=ALL,RULE_TYPE=inbound]")
    )

    read(render_security_group(group, (7,)))
    found = pyone(render_security_group(group, (7,)))
    assert (found.ID, list(found.UPDATED_VMS.ID)) == (0, [7])


def test_the_zone_of_a_front_end_that_stands_alone(read: Read) -> None:
    read(render_zone(0, "OpenNebula", "http://127.0.0.1:2633/RPC2"))
    read(RAFT)

    zone = pyone(pool("ZONE_POOL", [render_zone(0, "OpenNebula", "http://127.0.0.1:2633/RPC2")])).ZONE[0]
    assert (zone.ID, zone.TEMPLATE["ENDPOINT"]) == (0, "http://127.0.0.1:2633/RPC2")


def test_an_empty_pool_is_an_element_without_children() -> None:
    assert unescape_document(pool("IMAGE_POOL", ())) == "<IMAGE_POOL></IMAGE_POOL>"
