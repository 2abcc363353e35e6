from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from opennebula_core.config import Config, Location
from opennebula_core.config.defaults import DEFAULT_TOML
from opennebula_core.config.editing import change_disabled, with_disabled
from opennebula_core.errors import ConfigError

LIST = """\
# mine
[api]
port = 2655  # ours

[plugins]   # what is left out
disabled = [
    "audit",  # too loud
    'vmm/kvm',
]
# the end
[log]
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[api]\nport = 2655",
        "[plugins]\n",
        "[plugins]\n[log]\n",
        "[plugins]\ndisabled = []  # nothing\n",
        '[plugins]\ndisabled = ["a", "b"] # two\n',
        "[plugins]\ndisabled = [\n  # nothing yet\n]\n",
        LIST,
        DEFAULT_TOML,
    ],
    ids=[
        "empty",
        "no section",
        "no setting",
        "next section",
        "none",
        "two",
        "comment in it",
        "lines",
        "default",
    ],
)
def test_a_name_is_put_in_and_taken_out_and_all_else_stays(text: str) -> None:
    before = tomllib.loads(text).get("plugins", {}).get("disabled", [])

    put_in = with_disabled(text, "vmm/paper", is_disabled=True)
    taken_out = with_disabled(put_in, "vmm/paper", is_disabled=False)

    assert tomllib.loads(put_in)["plugins"]["disabled"] == [*before, "vmm/paper"]
    assert tomllib.loads(taken_out)["plugins"]["disabled"] == before
    assert [line for line in text.splitlines() if "#" in line] == [
        line.replace('["vmm/paper"]', "[]").replace(', "vmm/paper"', "")
        for line in put_in.splitlines()
        if "#" in line
    ]


def test_what_is_so_already_changes_nothing() -> None:
    assert with_disabled(LIST, "audit", is_disabled=True) == LIST
    assert with_disabled(LIST, "absent", is_disabled=False) == LIST


def test_comments_of_a_list_stay_when_its_first_and_last_are_taken_out() -> None:
    text = with_disabled(LIST, "audit", is_disabled=False)

    assert "# too loud" in text
    assert tomllib.loads(with_disabled(text, "vmm/kvm", is_disabled=False))["plugins"]["disabled"] == []


@pytest.mark.parametrize(
    "text", ['plugins.disabled = ["a"]\n', 'plugins = { disabled = ["a"] }\n', "[plugins"]
)
def test_a_file_that_is_written_unusually_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "oned.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match="by hand"):
        change_disabled(file, "b", is_disabled=True)

    assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["oned.toml"]


def test_the_file_keeps_its_mode_and_is_made_when_it_is_missing(tmp_path: Path) -> None:
    location = Location.at(tmp_path)

    assert change_disabled(location.config_file, "vmm/paper", is_disabled=True)
    location.config_file.chmod(0o640)
    assert change_disabled(location.config_file, "audit", is_disabled=True)

    assert location.config_file.stat().st_mode & 0o777 == 0o640
    assert Config.load(location).plugins.disabled == ("vmm/paper", "audit")
