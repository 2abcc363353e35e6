from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opennebula_core.cli.doctor.files import examine_certificate, examine_files, examine_room
from opennebula_core.cli.doctor.findings import Level
from opennebula_core.cli.lifecycle import prepare
from opennebula_core.config import Config
from opennebula_core.config.location import Location
from opennebula_core.config.settings import ApiSettings


@pytest.fixture
def location(tmp_path: Path) -> Location:
    """A location as the first start makes it."""
    found = Location.at(tmp_path)
    prepare(found, None)
    return found


def write_certificate(file: Path, first: datetime, last: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "frontend")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    certificate = (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def test_what_the_first_start_writes_is_closed_to_others(location: Location) -> None:
    assert [finding.level for finding in examine_files(location, Config(location))] == [Level.OK]


def test_a_session_that_others_can_read_is_an_error(location: Location) -> None:
    location.auth_file.chmod(0o644)

    finding, *_ = examine_files(location, Config(location))

    assert finding.level is Level.ERROR
    assert finding.remedy == f"chmod 600 {location.auth_file}"


def test_a_database_is_open_to_others_where_its_folders_are(location: Location) -> None:
    location.database_file.touch(0o644)
    assert [finding.level for finding in examine_files(location, Config(location))] == [Level.OK]

    for folder in (location.root, location.var):
        folder.chmod(0o755)

    assert [finding.level for finding in examine_files(location, Config(location))] == [Level.ERROR]


def test_a_session_that_is_gone_is_an_error(location: Location) -> None:
    location.auth_file.unlink()

    assert any("is missing" in finding.text for finding in examine_files(location, None))


@pytest.mark.parametrize(
    ("first", "last", "level", "word"),
    [
        (-10, 300, Level.OK, "valid until"),
        (-10, 10, Level.WARNING, "expires on"),
        (-10, -1, Level.ERROR, "has expired"),
        (1, 300, Level.ERROR, "not valid before"),
    ],
    ids=["valid", "ends soon", "expired", "not yet valid"],
)
def test_a_certificate_is_judged_by_its_days(
    location: Location, first: int, last: int, level: Level, word: str
) -> None:
    now = datetime.now(UTC)
    write_certificate(location.etc / "api.pem", now + timedelta(days=first), now + timedelta(days=last))

    (finding,) = examine_certificate(Config(location, api=ApiSettings(certificate="api.pem", key="key.pem")))

    assert (finding.level, word in finding.text) == (level, True)


@pytest.mark.parametrize(
    ("listen", "count"), [("127.0.0.1", 0), ("::1", 0), ("localhost", 0), ("0.0.0.0", 1)]
)
def test_an_api_on_a_network_without_tls_is_a_warning(location: Location, listen: str, count: int) -> None:
    found = list(examine_certificate(Config(location, api=ApiSettings(listen=listen))))

    assert [finding.level for finding in found] == [Level.WARNING] * count


def test_what_is_no_certificate_is_an_error(location: Location) -> None:
    (location.etc / "api.pem").write_text("nothing of the kind")

    (finding,) = examine_certificate(Config(location, api=ApiSettings(certificate="api.pem", key="key.pem")))

    assert (finding.level, "cannot be read" in finding.text) == (Level.ERROR, True)


def test_a_clock_that_went_back_behind_the_database_is_an_error(location: Location) -> None:
    config = Config(location)
    config.database_file.touch()
    ahead = time.time() + 3600
    os.utime(config.database_file, (ahead, ahead))

    clocks = [finding for finding in examine_room(config) if finding.area == "clock"]

    assert [finding.level for finding in clocks] == [Level.ERROR]
