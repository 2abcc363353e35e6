from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.config import Config, DriverSettings, Location
from opennebula_core.errors import ConfigError


@pytest.fixture
def location(tmp_path: Path) -> Location:
    location = Location.at(tmp_path)
    location.create()
    return location


def problem(location: Location, text: str) -> str:
    """Return what is wrong with a configuration, without the file's name."""
    with pytest.raises(ConfigError) as failure:
        Config.parse(text, location)
    prefix = f"read {location.config_file}: "
    lines = str(failure.value).splitlines()
    assert all(line.startswith(prefix) for line in lines)
    return "\n".join(line.removeprefix(prefix) for line in lines)


def test_without_a_file_every_setting_has_its_default(location: Location) -> None:
    config = Config.load(location)

    assert config == Config(location)
    assert (config.api.listen, config.api.port) == ("127.0.0.1", 2633)
    assert config.scheduler.policy == "default"
    assert config.database_file == location.database_file


def test_a_location_may_be_given_as_a_path(location: Location) -> None:
    assert Config.load(location.root).location == location


def test_settings_replace_defaults(location: Location) -> None:
    location.config_file.write_text(
        """
        [api]
        port = 12633
        [database]
        url = "sqlite:///srv/one.db"
        [plugins]
        disabled = ["audit", "billing"]
        [log]
        level = "debug"
        """
    )

    config = Config.load(location)

    assert config.api.port == 12633
    assert config.database_file == Path("/srv/one.db")
    assert config.plugins.disabled == ("audit", "billing")
    assert config.log.level == "debug"


def test_drivers_are_found_by_kind_and_name(location: Location) -> None:
    config = Config.parse(
        """
        [drivers.vmm.kvm]
        executable = "/usr/lib/one/mads/one_vmm_exec"
        arguments = "-t 15 -r 0 kvm"
        dialect = "5.12"
        timeout_s = 90
        [drivers.vmm.kvm.options]
        uri = "qemu:///system"
        """,
        location,
    )

    kvm = config.driver("vmm", "kvm")

    assert (kvm.arguments, kvm.dialect, kvm.timeout_s) == ("-t 15 -r 0 kvm", "5.12", 90.0)
    assert kvm.options == {"uri": "qemu:///system"}


def test_a_driver_that_is_not_configured_has_defaults(location: Location) -> None:
    assert Config(location).driver("tm", "dummy") == DriverSettings()


def test_options_of_a_policy_stand_below_the_scheduler(location: Location) -> None:
    config = Config.parse(
        '[scheduler]\npolicy = "haizea"\n[scheduler.haizea]\nbackfill = true\nslot_s = 60\n', location
    )

    assert config.scheduler.policy == "haizea"
    assert config.scheduler.options == {"haizea": {"backfill": True, "slot_s": 60}}


def test_text_that_is_no_toml_names_the_line(location: Location) -> None:
    assert "line 2" in problem(location, "[api]\nport = \n")


def test_everything_that_is_wrong_is_told_at_once(location: Location) -> None:
    text = '[api]\nprot = 1\nport = 70000\n[shceduler]\n[log]\nlevel = "loud"\n[drivers.vmmm.kvm]\n'

    assert problem(location, text) == (
        "unknown setting 'api.prot'; did you mean 'api.port'?\n"
        "setting api.port is 70000: more than 65535; TCP port\n"
        "unknown setting 'shceduler'; did you mean 'scheduler'?\n"
        "setting log.level is 'loud': not one of debug, info, warning, error; choose one\n"
        "unknown setting 'drivers.vmmm'; did you mean 'drivers.vmm'?"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[api]\nport = true", "not a whole number"),
        ('[api]\nport = "2633"', "not a whole number"),
        ("[api]\nport = 0", "less than 1"),
        ("[api]\nlisten = 1", "not a text in quotes"),
        ("[scheduler]\ninterval_s = nan", "not a number that can be used"),
        ("[scheduler]\ninterval_s = inf", "not a number that can be used"),
        ("[scheduler]\nlive_rescheds = 1", "not true or false"),
        ('[plugins]\ndisabled = "audit"', "not a list of texts"),
        ("[plugins]\ndisabled = [1]", "not a list of texts"),
        ('[database]\nurl = "mysql://x"', "not sqlite or sqlite:///path"),
        ('[datastores]\npath = "relative"', "not an absolute path"),
        ('[datastores]\npath = "/var/$(reboot)"', "not an absolute path"),
        ('[networks]\nmac_prefix = "01:00"', "not two bytes of a locally administered unicast address"),
        ('[users]\numask = "999"', "not three octal digits"),
        ('[drivers.vmm.kvm]\ndialect = "newest"', "not a release such as 6.10"),
        ("[drivers.vmm.kvm.options]\nuris = []", "not a text, a number, true or false"),
        ("api = 1", "'api' is a value, not a section; write [api] above its settings"),
        ('[drivers.vmm]\nkvm = "x"', "'drivers.vmm.kvm' is a value, not a section"),
        ('[api]\ncertificate = "x"', "setting api.certificate stands without api.key; TLS needs both"),
        (
            "[scheduler]\npolicies = 1",
            "unknown setting 'scheduler.policies'; did you mean 'scheduler.policy'?",
        ),
        ("[drivers.vmm.kvm]\ntimeout = 1", "did you mean 'drivers.vmm.kvm.timeout_s'?"),
    ],
)
def test_a_wrong_setting_is_refused(location: Location, text: str, complaint: str) -> None:
    assert complaint in problem(location, text)


def test_a_file_that_cannot_be_read_is_an_error_not_a_default(location: Location) -> None:
    location.config_file.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="make it a readable UTF-8 text"):
        Config.load(location)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("", "http://127.0.0.1:2633/RPC2"),
        ('[api]\nlisten = "0.0.0.0"\nport = 80', "http://127.0.0.1:80/RPC2"),
        ('[api]\nlisten = "::1"', "http://[::1]:2633/RPC2"),
        ('[api]\ncertificate = "c.pem"\nkey = "k.pem"', "https://127.0.0.1:2633/RPC2"),
    ],
)
def test_the_endpoint_can_be_reached_from_this_machine(location: Location, text: str, endpoint: str) -> None:
    assert Config.parse(text, location).endpoint == endpoint


def test_files_named_in_the_configuration_are_relative_to_etc(location: Location) -> None:
    config = Config(location)

    assert config.file("tls/key.pem") == location.etc / "tls/key.pem"
    assert config.file("/srv/key.pem") == Path("/srv/key.pem")


def test_a_section_that_stands_twice_is_named_with_both_lines(location: Location) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.parse('[scheduler]\npolicy = "default"\n[api]\nport = 1\n[scheduler]\n', location)

    assert "section [scheduler] stands again in line 5; it begins in line 1" in str(caught.value)
    assert "under one heading" in str(caught.value)


def test_a_nested_section_that_stands_twice_is_named(location: Location) -> None:
    with pytest.raises(ConfigError, match=r"section \[drivers.vmm.kvm\] stands again in line 3"):
        Config.parse("[drivers.vmm.kvm]\nthreads = 1\n[drivers.vmm.kvm]\n", location)


def test_a_setting_that_stands_twice_is_shown_with_its_line(location: Location) -> None:
    with pytest.raises(ConfigError, match="line 3 sets again what an earlier line has set: 'port = 2'"):
        Config.parse("[api]\nport = 1\nport = 2\n", location)


def test_plugins_have_levels_of_their_own_for_their_logs(location: Location) -> None:
    config = Config.parse(
        '[log]\nlevel = "error"\n[log.levels]\naudit = "debug"\n"vmm/kvm" = "info"', location
    )

    assert config.log.level == "error"
    assert config.log.levels == {"audit": "debug", "vmm/kvm": "info"}
    assert "setting log.levels.'audit' is 'loud': not one of debug, info" in problem(
        location, '[log.levels]\naudit = "loud"'
    )


def test_a_driver_that_is_left_out_is_refused_with_the_way_back(location: Location) -> None:
    plugins = Config.parse('[plugins]\ndisabled = ["vmm/kvm", "audit"]', location).plugins

    plugins.check("im", "kvm")
    plugins.check("vmm", "audit")
    with pytest.raises(ConfigError, match="`one plugin enable vmm kvm` lets it in"):
        plugins.check("vmm", "kvm")
