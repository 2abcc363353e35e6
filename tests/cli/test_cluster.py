from __future__ import annotations

from collections.abc import Callable

from tests.cli.shell import Shell


def test_members_come_and_go(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name, host, network = fresh_name("cluster"), fresh_name("host"), fresh_name("net")
    cloud.make(f"onecluster create {name}")
    cloud.make(f"onehost create {host} -i dummy -v dummy")
    cloud.make(f"onevnet create --name {network} --driver dummy --bridge br0")

    cloud.ok(f"onecluster addhost {name} {host}")
    cloud.ok(f"onecluster adddatastore {name} system,default")
    cloud.ok(f"onecluster addvnet {name} {network}")

    assert cloud.rows(f"onecluster list -f NAME={name} -l HOSTS,VNETS,DATASTORES") == [["1", "1", "2"]]
    assert "DATASTORES          : 0,1" in cloud.ok(f"onecluster show {name}")

    cloud.ok(f"onecluster delhost {name} {host}")
    cloud.ok(f"onecluster deldatastore {name} 0..1")
    cloud.ok(f"onecluster delvnet {name} {network}")
    cloud.ok(f"onecluster update {name}", "-", stdin='RESERVED_CPU = "10"\n')
    cloud.ok(f"onecluster rename {name} {name}-new")
    cloud.ok(f"onecluster delete {name}-new")
    cloud.ok(f"onehost delete {host}")


def test_clusters_are_listed_in_the_originals_columns(cloud: Shell) -> None:
    assert cloud.ok("onecluster list").split()[:5] == ["ID", "NAME", "HOSTS", "VNETS", "DATASTORES"]
