from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.cli.endpoint import with_endpoint
from opennebula_core.config import Config
from opennebula_core.errors import ConfigError


def configured(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "oned.toml").write_text(text)
    return {"ONE_LOCATION": str(tmp_path)}


@pytest.mark.parametrize(
    "text",
    ["", "[api]\n", "[api]\nport = 4711\n", "[api]\nport = 4711\nsession_s = 5\n",
     '[api]\nlisten = "0.0.0.0"\n', '[api]\nlisten = "192.0.2.1"\nport = 1\n',
     '[api]\ncertificate = "c"\nkey = "k"\n', "[log]\n"],
)  # fmt: skip
def test_the_endpoint_is_the_configurations(tmp_path: Path, text: str) -> None:
    environment = configured(tmp_path, text)

    assert with_endpoint(environment)["ONE_XMLRPC"] == Config.load(tmp_path).endpoint


def test_what_the_user_names_comes_first(tmp_path: Path) -> None:
    environment = {**configured(tmp_path, "[api]\nport = 4711\n"), "ONE_XMLRPC": "http://elsewhere/RPC2"}

    assert with_endpoint(environment)["ONE_XMLRPC"] == "http://elsewhere/RPC2"


def test_without_a_configuration_nothing_is_said(tmp_path: Path) -> None:
    assert "ONE_XMLRPC" not in with_endpoint({"ONE_LOCATION": str(tmp_path)})


@pytest.mark.parametrize("text", ["[api]\nport = 'x'\n", "[api\n"])
def test_a_wrong_configuration_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"oned\.toml"):
        with_endpoint(configured(tmp_path, text))
