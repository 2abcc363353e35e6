from __future__ import annotations

import pytest

from opennebula_core.cli.quota_tables import effective, quota_tables
from opennebula_core.model.elements import parse_element
from opennebula_core.model.quotas import Resource

USER = """<USER><ID>{}</ID><VM_QUOTA><VM><VMS>-1</VMS><VMS_USED>2</VMS_USED><CPU>-2</CPU></VM></VM_QUOTA>
<DEFAULT_USER_QUOTAS><VM_QUOTA><VM><VMS>5</VMS><CPU>3</CPU></VM></VM_QUOTA>
<NETWORK_QUOTA><NETWORK><ID>4</ID><LEASES>9</LEASES></NETWORK></NETWORK_QUOTA></DEFAULT_USER_QUOTAS></USER>"""


def test_limits_are_those_that_hold() -> None:
    (vm,) = effective(parse_element(USER.format(2)), Resource.VM)
    assert [vm.findtext(name) for name in ("VMS", "VMS_USED", "CPU", "MEMORY")] == ["5", "2", "-2", "-1"]
    (network,) = effective(parse_element(USER.format(2)), Resource.NETWORK)
    assert [network.findtext(name) for name in ("ID", "LEASES", "LEASES_USED")] == ["4", "9", "0"]


def test_defaults_hold_for_everybody_but_user_0() -> None:
    assert list(effective(parse_element(USER.format(0)), Resource.NETWORK)) == []


def test_who_has_nothing_gets_no_tables(capsys: pytest.CaptureFixture[str]) -> None:
    quota_tables(parse_element("<USER><ID>2</ID></USER>"))

    assert capsys.readouterr().out == ""
