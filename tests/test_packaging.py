"""Every distribution in an environment of its own: what pip installs works, what it removes is not missed.

Packages are copied before they are built, so that nothing that lies about in the checkout gets into them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from opennebula_core.client import Client
from opennebula_core.config import Location, write_default_config
from opennebula_core.errors import ClientError
from opennebula_core.testing.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs/plugins/examples"
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
LITTER = shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__", ".*", "tests")
LIST = """
import json
from opennebula_core.plugins import describe_all
print(json.dumps([
    [status.info.kind, status.info.name, status.info.distribution, list(status.actions), status.error]
    for status in describe_all()
]))
"""


@dataclass(frozen=True)
class Extension:
    kind: str
    name: str
    distribution: str
    actions: list[str]
    error: str


@dataclass
class Environment:
    """A virtual environment, and a folder to build packages in."""

    folder: Path
    sources: Path

    def run(self, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment and wait for its end."""
        return subprocess.run(
            [self.folder / "bin" / program, *arguments],
            capture_output=True,
            text=True,
            cwd=self.sources,
            env=self.variables(**variables),
            timeout=600,
            check=False,
        )

    def variables(self, **variables: str) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ONE_LOCATION")
        }
        return {**kept, "PYTHONSAFEPATH": "1", **variables}

    def pip(self, *arguments: str) -> None:
        done = self.run("python", "-m", "pip", "--disable-pip-version-check", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def install(self, source: Path) -> None:
        """Install a package from a folder, as ``pip install ./plugins/NAME`` does."""
        copy = self.sources / source.name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(source, copy, ignore=LITTER)
        self.pip("install", "--quiet", "--no-build-isolation", str(copy))

    def install_kernel(self) -> None:
        """Install the kernel, without what lies beside it in the checkout."""
        copy = self.sources / "kernel"
        copy.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
        shutil.copytree(ROOT / "opennebula_core", copy / "opennebula_core", ignore=LITTER)
        self.pip("install", "--quiet", "--no-build-isolation", str(copy))

    @contextmanager
    def having(self, *projects: Path) -> Iterator[None]:
        """Have packages installed until the block ends."""
        try:
            for project in projects:
                self.install(project)
            yield
        finally:
            left = [*projects, *PLUGINS]
            self.pip("uninstall", "--quiet", "--yes", *map(distribution, left))

    def extensions(self) -> list[Extension]:
        """Return what the kernel finds installed."""
        done = self.run("python", "-c", LIST)
        assert done.returncode == 0, done.stderr
        return [Extension(*fields) for fields in json.loads(done.stdout)]

    def package(self, name: str) -> Path:
        """Return the folder of an installed package."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages" / name


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment in which the kernel is installed and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    environment = Environment(folder / "venv", folder / "sources")
    environment.sources.mkdir()
    subprocess.run([sys.executable, "-m", "venv", environment.folder], check=True)
    environment.pip("install", "--quiet", "setuptools>=69", "wheel")
    environment.install_kernel()
    return environment


def distribution(project: Path) -> str:
    return str(tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"])


def entry_points(project: Path) -> set[tuple[str, str]]:
    groups = tomllib.loads((project / "pyproject.toml").read_text())["project"]["entry-points"]
    return {
        (group.removeprefix("opennebula."), name)
        for group, names in groups.items()
        if group.startswith("opennebula.")
        for name in names
    }


def files(package: Path) -> set[str]:
    """Return the files of a package that are there to be used."""
    found = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
    return {str(path) for path in found if "__pycache__" not in path.parts and path.suffix != ".md"}


def test_the_kernel_alone_has_its_dummies_and_says_what_is_missing(environment: Environment) -> None:
    found = {(item.kind, item.name): item for item in environment.extensions()}

    assert set(found) == entry_points(ROOT)
    assert not [item.error for item in found.values() if item.error]
    asked = environment.run("onedriver", "vmm", "kvm", "--describe")
    assert asked.returncode == 1
    assert asked.stderr.strip() == (
        "no driver 'kvm' in opennebula.vmm: installed are dummy; "
        "install the package that offers it, or correct the name"
    )


def test_the_kernel_is_installed_with_all_its_files(environment: Environment) -> None:
    copied = environment.sources / "kernel/opennebula_core"
    assert files(environment.package("opennebula_core")) == files(copied)


def test_plugins_come_one_by_one_and_go_one_by_one(environment: Environment) -> None:
    expected = entry_points(ROOT)
    with environment.having():
        for project in PLUGINS:
            environment.install(project)
            expected |= entry_points(project)
            assert_works(environment, expected)
            copied = next((environment.sources / project.name / "src").glob("*/py.typed")).parent
            assert files(environment.package(copied.name)) == files(copied)
        for project in PLUGINS:
            environment.pip("uninstall", "--quiet", "--yes", distribution(project))
            expected -= entry_points(project)
            assert_works(environment, expected)


def assert_works(environment: Environment, expected: set[tuple[str, str]]) -> None:
    found = environment.extensions()
    assert {(item.kind, item.name) for item in found} == expected
    assert not [item.error for item in found if item.error]


# -- plugins from outside the repository -----------------------------------------------------------


@dataclass
class FrontEnd:
    """A running core with its scheduler."""

    client: Client
    location: Location
    processes: list[subprocess.Popen[bytes]]

    def wait_for(self, what: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Wait until something is so."""
        until = time.monotonic() + limit_s
        while not what():
            assert time.monotonic() < until, self.logs()
            assert all(process.poll() is None for process in self.processes), self.logs()
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.location.log.glob("*.log")))

    def vm(self, vm_id: int) -> str:
        return str(self.client.call("one.vm.info", vm_id))

    def is_running(self, vm_id: int) -> bool:
        return "<LCM_STATE>3</LCM_STATE>" in self.vm(vm_id)


@contextmanager
def running(
    environment: Environment, location: Location, policy: str, settings: str = ""
) -> Iterator[FrontEnd]:
    """Run ``oned`` and ``onesched`` of the environment until the block ends."""
    port = free_port()
    location.create()
    write_default_config(location, port=port)
    text = location.config_file.read_text().replace('#policy = "default"', f'policy = "{policy}"')
    location.config_file.write_text(text + settings)
    location.auth_file.write_text("oneadmin:secret\n")
    client = Client(f"http://127.0.0.1:{port}/RPC2", "oneadmin:secret")
    front_end = FrontEnd(client, location, [])
    try:
        front_end.processes.append(start(environment, location, "oned"))
        front_end.wait_for(lambda: answers(client))
        front_end.processes.append(start(environment, location, "onesched"))
        yield front_end
    finally:
        client.close()
        for process in reversed(front_end.processes):
            process.terminate()
            process.wait(30)


def start(environment: Environment, location: Location, program: str) -> subprocess.Popen[bytes]:
    with location.log_file(program).open("wb") as log:
        return subprocess.Popen(
            [environment.folder / "bin" / program],
            stdout=log,
            stderr=log,
            cwd=location.root,
            env=environment.variables(ONE_LOCATION=str(location)),
        )


def answers(client: Client) -> bool:
    try:
        return bool(client.call("one.system.version"))
    except ClientError:
        return False


def lines_of_code(project: Path) -> int:
    text = "\n".join(path.read_text() for path in project.glob("*.py"))
    return sum(1 for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("name", ["paper", "fullest", "audit"])
def test_a_plugin_takes_less_than_fifty_lines(name: str) -> None:
    assert lines_of_code(EXAMPLES / name) < 50


def test_drivers_and_a_policy_from_outside_are_used_when_they_are_named(
    environment: Environment, tmp_path: Path
) -> None:
    folder = tmp_path / "sheets"
    settings = f"""
[drivers.vmm.paper.options]
folder = "{folder}"
[drivers.im.paper.options]
folder = "{folder}"
"""
    location = Location.at(tmp_path / "one")
    packages = environment.having(EXAMPLES / "paper", EXAMPLES / "fullest")
    with packages, running(environment, location, "fullest", settings) as front_end:
        client = front_end.client
        hosts = [client.call("one.host.allocate", name, "paper", "paper", 0) for name in ("first", "second")]
        first = client.call("one.vm.allocate", "NAME=a\nCPU=1\nMEMORY=1024", True)
        client.call("one.vm.deploy", first, hosts[1], False, 0, "")
        front_end.wait_for(lambda: front_end.is_running(int(str(first))))
        second = client.call("one.vm.allocate", "NAME=b\nCPU=1\nMEMORY=1024", False)
        front_end.wait_for(lambda: front_end.is_running(int(str(second))))
        client.call("one.vm.action", "terminate", first)
        front_end.wait_for(lambda: "<STATE>6</STATE>" in front_end.vm(int(str(first))))

    assert sorted(path.name for path in folder.rglob("one-*")) == [f"one-{second}"]
    assert (folder / "second" / f"one-{second}").is_file()


def offer(folder: Path, name: str, group: str, entry: str, source: str) -> Path:
    """Return the folder of a package with one module and one entry point."""
    project = folder / name
    project.mkdir()
    text = (EXAMPLES / "audit/pyproject.toml").read_text()
    text = text.replace("acme-audit", f"acme-{name}").replace("acme_audit", f"acme_{name}")
    text = text.replace('"opennebula.plugins" = { audit', f'"{group}" = {{ {entry}')
    (project / "pyproject.toml").write_text(text)
    (project / f"acme_{name}.py").write_text(source)
    return project


def test_broken_plugins_are_named_with_the_way_out_and_the_rest_goes_on_working(
    environment: Environment, tmp_path: Path
) -> None:
    audit = (EXAMPLES / "audit/acme_audit.py").read_text()
    misspelt = audit.replace("opennebula_before_request", "opennebula_before_reqest")
    projects = (
        EXAMPLES / "audit",
        offer(tmp_path, "raising", "opennebula.vmm", "raising", "raise OSError('no licence')"),
        offer(tmp_path, "spelling", "opennebula.plugins", "spelling", misspelt),
        offer(tmp_path, "one", "opennebula.plugins", "twice", audit),
        offer(tmp_path, "two", "opennebula.plugins", "twice", audit),
    )
    with environment.having(*projects):
        assert_broken_ones_are_named(environment)
        with running(environment, Location.at(tmp_path / "one"), "dummy") as front_end:
            host = front_end.client.call("one.host.allocate", "h", "dummy", "dummy", 0)
            vm = int(str(front_end.client.call("one.vm.allocate", "NAME=a\nCPU=1\nMEMORY=64", True)))
            front_end.client.call("one.vm.deploy", vm, host, False, 0, "")
            front_end.wait_for(lambda: front_end.is_running(vm))
            logs = front_end.logs()

    assert re.search(rf"acme_audit: \d+ VM {vm}: 3$", logs, flags=re.MULTILINE)
    assert "did you mean 'opennebula_before_request'?" in logs


def assert_broken_ones_are_named(environment: Environment) -> None:
    errors = {item.name: item.error for item in environment.extensions()}
    assert errors["audit"] == errors["dummy"] == ""
    assert errors["raising"] == (
        "load vmm plugin 'raising' of acme-raising 1.0: OSError: no licence; "
        "upgrade acme-raising, or uninstall it"
    )
    assert errors["spelling"] == (
        "load plugin 'spelling' of acme-spelling 1.0: there is no hook 'opennebula_before_reqest'; "
        "did you mean 'opennebula_before_request'?"
    )
    assert errors["twice"] == (
        "load 'twice' of opennebula.plugins: acme-one 1.0 and acme-two 1.0 both offer that name, "
        "none of them is used; uninstall one"
    )
