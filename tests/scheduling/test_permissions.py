from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.model.acl import parse_rule
from opennebula_core.scheduling.permissions import AccessRules
from opennebula_core.testing.scheduler import make_datastore, make_host, make_vm


def rules(*texts: str) -> AccessRules:
    return AccessRules(map(parse_rule, texts))


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("@1 HOST/* MANAGE #0", True),
        ("#2 HOST/#5 MANAGE #0", True),
        ("#2 HOST/#6 MANAGE #0", False),
        ("* HOST/%100 MANAGE #0", True),
        ("* HOST/%0 MANAGE #0", False),
        ("@100 HOST/* MANAGE #0", False),
        ("@1 HOST/* USE #0", False),
        ("@1 VM/* MANAGE #0", False),
    ],
)
def test_a_rule_opens_a_host(rule: str, *, allowed: bool) -> None:
    assert rules(rule).may_manage_host(make_vm(0), make_host(5, cluster_id=100)) is allowed


def test_members_of_oneadmin_are_not_asked() -> None:
    for vm in (make_vm(0, uid=0), make_vm(0, group_ids=(100, 0))):
        assert rules().may_manage_host(vm, make_host(0))
        assert rules().may_use_datastore(vm, make_datastore(0, cluster_ids=[]))


def test_a_datastore_is_opened_by_a_rule_or_by_its_permissions() -> None:
    vm, closed = make_vm(0), make_datastore(0)
    assert not rules().may_use_datastore(vm, closed)
    assert rules("@1 DATASTORE/* USE #0").may_use_datastore(vm, closed)
    assert rules("@1 DATASTORE/%0 USE #0").may_use_datastore(vm, closed)
    assert rules().may_use_datastore(vm, replace(closed, gid=1))
    assert not rules().may_use_datastore(vm, replace(closed, gid=1, permissions=0o600))


def test_the_rules_of_a_pool_are_read_and_broken_ones_give_nothing() -> None:
    pool = fromstring(
        "<ACL_POOL><ACL><ID>0</ID><USER>x</USER><RESOURCE>1</RESOURCE><RIGHTS>1</RIGHTS><ZONE>1</ZONE></ACL>"
        "<ACL><ID>3</ID><USER>200000001</USER><RESOURCE>2400000000</RESOURCE><RIGHTS>2</RIGHTS>"
        "<ZONE>100000000</ZONE></ACL></ACL_POOL>"
    )
    assert AccessRules.from_pool(pool).may_manage_host(make_vm(0), make_host(0))
