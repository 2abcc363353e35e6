from __future__ import annotations

from tests.cli.shell import Shell


def test_a_cloud_without_templates_of_networks_lists_none(cloud: Shell) -> None:
    assert cloud.ok("onevntemplate list").split() == ["ID", "USER", "GROUP", "NAME", "REGTIME"]
    assert "there are no network templates" in cloud.refused("onevntemplate show lan")


def test_making_one_says_that_there_are_none(cloud: Shell) -> None:
    said = cloud.refused("onevntemplate create --name lan --attribute VN_MAD=bridge")

    assert said.startswith("onevntemplate: Cannot make a virtual network template: this release has none")


def test_one_that_is_not_there_is_neither_used_nor_copied(cloud: Shell) -> None:
    for line in ("instantiate 4 --name lan", "clone 4 copy", "delete 4", "chmod 4 644", "lock 4"):
        assert "[4]" in cloud.refused(f"onevntemplate {line}"), line
