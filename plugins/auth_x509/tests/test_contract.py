from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from opennebula_auth_x509 import X509Auth
from opennebula_core.contracts.auth import Credentials, KeyFiles
from opennebula_core.testing.auth import AuthDriverContract
from opennebula_core.testing.drivers import driver_context

from .conftest import Authority


class TestX509Auth(AuthDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> X509Auth:
        return X509Auth(driver_context(tmp_path, "x509"))

    @pytest.fixture
    def credentials(self, tmp_path: Path, authority: Authority) -> Credentials:
        trusted = tmp_path / "etc/auth/certificates"
        trusted.mkdir(parents=True)
        shutil.copy(authority.folder / "ca.pem", trusted)
        files = KeyFiles(*authority.issue("alice", "/CN=Alice", key="ec"), str)
        secret = X509Auth.login_secret("alice", int(time.time()) + 60, files)
        return Credentials(2, "alice", X509Auth.public_secret(files), secret)
