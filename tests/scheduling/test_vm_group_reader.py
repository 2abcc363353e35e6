from __future__ import annotations

from xml.etree.ElementTree import fromstring

from opennebula_core.scheduling.vm_group_reader import vm_group_view


def test_a_group_is_read_with_its_roles_members_and_rules() -> None:
    view = vm_group_view(
        fromstring(
            "<VM_GROUP><ID>4</ID><NAME>app</NAME><ROLES><ROLE><ID>0</ID><NAME>db</NAME>"
            "<POLICY>anti_affined</POLICY><HOST_AFFINED>1, 2</HOST_AFFINED><VMS>7,9</VMS></ROLE>"
            "<ROLE><ID>1</ID><NAME>web</NAME><HOST_ANTI_AFFINED>3</HOST_ANTI_AFFINED></ROLE></ROLES>"
            "<TEMPLATE><AFFINED>db,web</AFFINED><ANTI_AFFINED>web, x</ANTI_AFFINED>"
            "<ANTI_AFFINED>db,x</ANTI_AFFINED></TEMPLATE></VM_GROUP>"
        )
    )
    assert (view.id, view.name, list(view.roles)) == (4, "app", ["db", "web"])
    database, web = view.roles.values()
    assert database.policy == "ANTI_AFFINED"
    assert [set(database.host_affined), set(database.vm_ids)] == [{1, 2}, {7, 9}]
    assert [web.policy, set(web.host_anti_affined), set(web.vm_ids)] == ["", {3}, set()]
    assert [set(rule) for rule in view.affined] == [{"db", "web"}]
    assert [set(rule) for rule in view.anti_affined] == [{"web", "x"}, {"db", "x"}]


def test_hosts_that_are_no_numbers_allow_none_rather_than_all() -> None:
    role = "<ROLE><NAME>a</NAME><HOST_AFFINED>x</HOST_AFFINED></ROLE>"
    view = vm_group_view(fromstring(f"<VM_GROUP><ID>4</ID><ROLES>{role}</ROLES></VM_GROUP>"))
    assert view.roles["a"].host_affined == {-1}
