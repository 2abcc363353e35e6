"""The pages for authors say what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from opennebula_core.contracts.kinds import DRIVER_KINDS, SCHEDULER
from opennebula_core.contracts.plugin_api import PLUGIN_API
from opennebula_core.contracts.vmm import VmmDriver
from opennebula_core.plugins.discovery import CONTRACTS
from opennebula_core.skeletons import write_package
from opennebula_core.testing.drivers import driver_context
from opennebula_core.testing.vmm import VmmDriverContract

PLUGINS = Path(__file__).parents[2] / "docs/plugins"
DRIVERS = (PLUGINS / "drivers.md").read_text()
EXAMPLES = sorted(path for path in (PLUGINS / "examples").glob("*/*") if path.suffix in (".py", ".toml"))


def example(name: str) -> ModuleType:
    """Import a module of the examples, which are not installed here."""
    spec = importlib.util.spec_from_file_location(f"acme_{name}", PLUGINS / f"examples/{name}/acme_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAPER = example("paper")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_tutorial_shows_the_examples_as_they_are(path: Path) -> None:
    language = {".py": "python", ".toml": "toml"}[path.suffix]

    assert f"```{language}\n{path.read_text()}```" in (PLUGINS / "tutorial.md").read_text()


@pytest.mark.parametrize("kind", [*DRIVER_KINDS, SCHEDULER])
def test_every_kind_is_listed_with_its_group_and_contract(kind: str) -> None:
    contract = CONTRACTS[kind]
    where = contract.__module__.removeprefix("opennebula_core.")

    assert f"| `{kind}` | `opennebula.{kind}` | `{where}.{contract.__name__}` |" in DRIVERS


@pytest.mark.parametrize("kind", sorted(set(CONTRACTS) - {"ipam"}))
def test_every_method_of_a_contract_is_listed_as_needed_or_not(kind: str) -> None:
    row = next(
        line
        for line in DRIVERS.splitlines()
        if re.match(rf"\| `{kind}` \| (`[a-z_]+`|\s*\|)", line) and "opennebula." not in line
    )
    must, may = (set(re.findall(r"`(\w+)`", cell)) for cell in row.split("|")[2:4])
    contract = CONTRACTS[kind]
    methods = {
        name
        for name, value in vars(contract).items()
        if (callable(value) or isinstance(value, classmethod))
        and not name.startswith("_")
        and name != "setting"
    }

    assert must == set(getattr(contract, "__abstractmethods__", ()))
    assert may == methods - must


class TestThePaperDriverOfTheTutorial(VmmDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> VmmDriver:
        driver: VmmDriver = PAPER.PaperDriver(driver_context(tmp_path, folder=str(tmp_path / "paper")))
        return driver


def test_the_page_about_managers_quotes_a_package_that_works(tmp_path: Path) -> None:
    made = write_package("manager", "notes", tmp_path)
    sources = "\n".join(path.read_text() for path in made.rglob("*") if path.suffix in (".py", ".toml"))
    quotes = re.findall(
        r"```(?:python|toml)\n(.*?)```", (PLUGINS / "managers.md").read_text(), flags=re.DOTALL
    )

    assert len(quotes) == 6
    assert [quote for quote in quotes if quote.strip() not in sources] == []


def test_the_page_about_compatibility_names_the_version_that_there_is() -> None:
    assert f"**plugin API {PLUGIN_API}**" in (PLUGINS / "compatibility.md").read_text()
