from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from opennebula_core.cli.application import Application
from opennebula_core.cli.doctor.filters import examine_filters
from opennebula_core.cli.doctor.findings import Finding, Level


def found(
    monkeypatch: pytest.MonkeyPatch, groups: str, nft: str = "YES", driver: str = "bridge"
) -> list[Finding]:
    pool = fromstring(f"<SECURITY_GROUP_POOL>{groups}</SECURITY_GROUP_POOL>")
    host = fromstring(f"<HOST><NAME>node</NAME><TEMPLATE><NFT>{nft}</NFT></TEMPLATE></HOST>")

    class Answers:
        def element(self, method: str, *parameters: object) -> Element:
            return pool

    application = Application()
    monkeypatch.setattr(Application, "client", Answers())
    return list(examine_filters(application, [host], {driver}))


GROUP = "<SECURITY_GROUP><ID>100</ID><ERROR_VMS>{}</ERROR_VMS></SECURITY_GROUP>"


def test_rules_that_all_vms_have_are_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [finding.level for finding in found(monkeypatch, GROUP.format(""))] == [Level.OK]
    assert [finding.level for finding in found(monkeypatch, "", "NO", "dummy")] == [Level.OK]


def test_a_host_without_nft_is_named_where_a_network_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = found(monkeypatch, "", "NO")
    assert finding.text.startswith("node has no nft")
    assert "apt-get install nftables" in finding.remedy


def test_vms_that_do_not_have_the_rules_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = found(monkeypatch, GROUP.format("<ID>7</ID><ID>8</ID>"))
    assert finding.text == "2 VMs do not have the rules of security group 100, such as VM 7"
    assert "onesecgroup commit 100 --recovery" in finding.remedy
