from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.shell import Shell


def test_a_vm_is_made_from_options(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("vm")
    vm_id = cloud.make(f"onevm create --name {name} --cpu 0.5 --vcpu 2 --memory 1G --hold")

    vm = cloud.document(f"onevm show {vm_id}")["VM"]
    assert (vm["NAME"], vm["STATE"]) == (name, "2")
    wanted = {"CPU": "0.5", "VCPU": "2", "MEMORY": "1024"}
    assert {key: vm["TEMPLATE"][key] for key in wanted} == wanted


def test_a_vm_is_made_from_a_file_and_options_take_precedence(cloud: Shell, tmp_path: Path) -> None:
    file = tmp_path / "vm.tmpl"
    file.write_text('NAME = "of the file"\nCPU = 1\nMEMORY = 64\nLABELS = "a"\n')

    vm_id = cloud.make(f"onevm create {file} --memory 128 --hold")

    vm = cloud.document(f"onevm show {vm_id}")["VM"]
    assert (vm["NAME"], vm["TEMPLATE"]["MEMORY"]) == ("of the file", "128")
    assert vm["USER_TEMPLATE"]["LABELS"] == "a"


def test_a_vm_is_made_from_standard_input(cloud: Shell) -> None:
    for dash in ((), ("-",)):
        vm_id = cloud.make("onevm create --hold", *dash, stdin='NAME = "piped"\nCPU = 1\nMEMORY = 64\n')
        assert cloud.document(f"onevm show {vm_id}")["VM"]["NAME"] == "piped"


def test_several_vms_get_numbered_names(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    stem = fresh_name("many")
    printed = cloud.ok(f"onevm create --name {stem}-%i --cpu 0.1 --memory 32 --hold -m 3")

    assert printed.count("ID: ") == 3
    names = [row[0] for row in cloud.rows(f"onevm list -f NAME~^{stem}- -l NAME --sort NAME")]
    assert names == [f"{stem}-{number}" for number in range(3)]


def test_wait_returns_when_the_vm_runs_and_shows_the_way(cloud: Shell) -> None:
    result = cloud.run("onevm create --cpu 0.1 --memory 32 --wait --timeout 60")

    assert result.exit_code == 0
    vm_id = int(result.stdout.removeprefix("ID: "))
    assert result.stderr.splitlines()[-1] == f"VM {vm_id}: RUNNING"
    assert cloud.document(f"onevm show {vm_id}")["VM"]["LCM_STATE"] == "3"


def test_wait_for_a_held_vm_does_not_wait_for_the_scheduler(cloud: Shell) -> None:
    result = cloud.run("onevm create --cpu 0.1 --memory 32 --hold --wait")

    assert result.exit_code == 0
    assert result.stderr.endswith(": HOLD\n")


def test_wait_reports_a_failed_boot_with_its_reason(cloud: Shell, control: Callable[[str], None]) -> None:
    control('{"vmm/DEPLOY": {"failure_rate": 1, "message": "no room in the inn"}}')

    said = cloud.refused("onevm create --cpu 0.1 --memory 32 --wait --timeout 60")

    assert "it is BOOT_FAILURE" in said
    assert "no room in the inn" in said


def test_wait_gives_up_after_its_time(cloud: Shell) -> None:
    said = cloud.refused("onevm create --cpu 0.1 --memory 100T --wait --timeout 0.5")

    assert "it is PENDING" in said
    assert "after 0.5 s" in said


def test_disks_and_nics_are_found_by_name_and_take_attributes(
    cloud: Shell, disk: Path, fresh_name: Callable[[str], str]
) -> None:
    image, network = fresh_name("image"), fresh_name("net")
    image_id = cloud.make(f"oneimage create --name {image} --path {disk} --wait")
    network_id = cloud.make(
        f"onevnet create --name {network} --driver dummy --bridge br0 --ip 10.9.0.1 --size 4"
    )

    vm_id = cloud.make(
        f"onevm create --cpu 0.1 --memory 32 --hold --disk {image}:SIZE=20,:type=fs:size=8 --nic {network}"
    )

    template = cloud.document(f"onevm show {vm_id}")["VM"]["TEMPLATE"]
    assert [disk.get("IMAGE_ID") for disk in template["DISK"]] == [str(image_id), None]
    assert [disk["SIZE"] for disk in template["DISK"]] == ["20", "8"]
    assert [(nic["NETWORK_ID"], nic["IP"]) for nic in template["NIC"]] == [(str(network_id), "10.9.0.1")]
    assert template["CONTEXT"]["NETWORK"] == "YES"


def test_the_context_takes_variables_and_a_public_key(cloud: Shell, tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    key.write_text("ssh-ed25519 AAAA me\n")

    vm_id = cloud.make(
        f"onevm create --cpu 0.1 --memory 32 --hold --ssh {key}", "--context", 'greeting=hello, "world"'
    )

    context = cloud.document(f"onevm show {vm_id}")["VM"]["TEMPLATE"]["CONTEXT"]
    assert context["SSH_PUBLIC_KEY"] == "ssh-ed25519 AAAA me"
    assert context["GREETING"] == 'hello, "world"'


def test_an_unknown_image_is_refused_with_what_there_is(cloud: Shell) -> None:
    assert "image 'nosuch': there is none of that name" in cloud.refused(
        "onevm create --cpu 1 --memory 64 --disk nosuch"
    )


def test_a_memory_that_is_no_size_is_wrong_usage(cloud: Shell) -> None:
    assert "'lots' is no size" in cloud.misused("onevm create --cpu 1 --memory lots")


def test_a_template_that_does_not_parse_is_refused_with_its_position(cloud: Shell) -> None:
    assert "at line 2" in cloud.refused("onevm create", stdin='NAME = "x"\nCPU = ]\n')


def test_cores_that_are_no_number_are_told_with_an_example(cloud: Shell) -> None:
    for wrong in ("abc", "0", "-1", "nan"):
        assert "is no number of cores above 0" in cloud.misused(f"onevm create --cpu {wrong} --memory 64")


def test_an_empty_standard_input_is_no_template(cloud: Shell) -> None:
    said = cloud.refused("onevm create", stdin="")

    assert said.startswith("onevm: no template: standard input is empty")
    assert "--cpu 1 --memory 512M" in said
