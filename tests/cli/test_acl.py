from __future__ import annotations

from tests.cli.shell import Shell


def test_a_rule_is_written_as_it_is_read(cloud: Shell) -> None:
    rule_id = cloud.make("oneacl create", "#12 VM+NET/@3 USE+MANAGE #0")

    rows = cloud.rows("oneacl list -l ID,USER,RESOURCES,RID,RIGHTS,ZONE")
    assert [str(rule_id), "#12", "VM+NET", "@3", "USE+MANAGE", "#0"] in rows
    assert ["#12 VM+NET/@3 USE+MANAGE #0"] in cloud.rows("oneacl list -l RULE")
    cloud.ok(f"oneacl delete {rule_id}")
    assert ["#12 VM+NET/@3 USE+MANAGE #0"] not in cloud.rows("oneacl list -l RULE")


def test_words_need_no_quotes_of_their_own(cloud: Shell) -> None:
    rule_id = cloud.make("oneacl create #13 HOST/* USE")

    assert [[str(rule_id), "#13 HOST/* USE #0"]] == cloud.rows(f"oneacl list -l ID,RULE -f ID={rule_id}")
    cloud.ok(f"oneacl delete {rule_id}")


def test_a_malformed_rule_is_refused_before_it_is_sent(cloud: Shell) -> None:
    assert "known are VM, HOST" in cloud.refused("oneacl create #1 FISH/* USE")


def test_the_document_is_a_list(cloud: Shell) -> None:
    assert {"ID", "STRING"} <= set(cloud.document("oneacl list")["ACL_POOL"]["ACL"][0])
