"""An authority with its certificates, made by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CONFIGURATION = """
[ca]
default_ca = own
[own]
dir = .
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
[any]
countryName = optional
organizationName = optional
commonName = supplied
"""
EXTENSIONS = """
basicConstraints = critical,CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical,digitalSignature
extendedKeyUsage = {usage}
"""


@dataclass
class Authority:
    """A certification authority in a folder."""

    folder: Path
    name: str

    def run(self, *arguments: str) -> str:
        command = ["openssl", *arguments]
        done = subprocess.run(command, cwd=self.folder, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def found(self) -> Path:
        """Make the authority's own certificate."""
        self.folder.mkdir()
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("1000\n")
        (self.folder / "ca.cnf").write_text(CONFIGURATION)
        self.run(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", f"/C=ES/O={self.name}/CN=Authority", "-days", "30",
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
        return self.folder / "ca.pem"

    def issue(
        self, name: str, subject: str, *, key: str = "rsa:2048", usage: str = "clientAuth", days: int = 10
    ) -> tuple[Path, Path]:
        """Make a key and a certificate for it, and return their files."""
        curve = ("-pkeyopt", "ec_paramgen_curve:P-256") if key == "ec" else ()
        self.run(
            "req", "-new", "-newkey", key, *curve, "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr", "-subj", subject,
        )  # fmt: skip
        (self.folder / "ext.cnf").write_text(EXTENSIONS.format(usage=usage))
        self.run(
            "ca", "-config", "ca.cnf", "-batch", "-notext", "-cert", "ca.pem", "-keyfile", "ca.key",
            "-in", f"{name}.csr", "-out", f"{name}.pem", "-extfile", "ext.cnf", "-days", str(days),
        )  # fmt: skip
        return self.folder / f"{name}.key", self.folder / f"{name}.pem"

    def revoke(self, certificate: Path) -> None:
        self.run(
            "ca", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-revoke", str(certificate)
        )

    def revocations(self, target: Path) -> None:
        """Write the list of what is revoked."""
        (self.folder / "crlnumber").write_text("01\n")
        self.run(
            "ca", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-gencrl", "-out", str(target)
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "ca", "Example")
    made.found()
    return made
