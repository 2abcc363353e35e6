from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from opennebula_auth_ssh import SshAuth
from opennebula_core.contracts.auth import Credentials, KeyFiles
from opennebula_core.testing.auth import AuthDriverContract
from opennebula_core.testing.drivers import driver_context


class TestSshAuth(AuthDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> SshAuth:
        return SshAuth(driver_context(tmp_path, "ssh"))

    @pytest.fixture
    def credentials(self, tmp_path: Path) -> Credentials:
        key = tmp_path / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        files = KeyFiles(key, None, str)
        secret = SshAuth.login_secret("alice", int(time.time()) + 60, files)
        return Credentials(2, "alice", SshAuth.public_secret(files), secret)
