from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from opennebula_core.testing.kvmlab import LabError, LabSettings
from opennebula_core.testing.kvmlab.guest_image import build_guest_image
from opennebula_core.testing.kvmlab.selftest import SelfTest

pytestmark = pytest.mark.integration


def test_two_builds_of_the_guest_image_are_the_same(
    lab_settings: LabSettings, guest_image: Path, tmp_path: Path
) -> None:
    again = tmp_path / "guest.qcow2"
    build_guest_image(again, lab_settings)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(guest_image.read_bytes()).digest()


def test_a_raw_guest_image_has_the_size_that_was_asked_for(lab_settings: LabSettings, tmp_path: Path) -> None:
    image = tmp_path / "guest.raw"
    build_guest_image(image, lab_settings, size_mib=48)
    assert image.stat().st_size == 48 << 20


def test_a_real_guest_boots_migrates_and_shuts_down(
    lab_settings: LabSettings, lab_packages: None, tmp_path: Path
) -> None:
    lines: list[str] = []
    settings = LabSettings(directory=tmp_path / "lab", cache=lab_settings.cache)
    try:
        SelfTest(settings, lines.append).run()
    except LabError as error:
        pytest.fail("\n".join([*lines, str(error)]))
    assert lines[-1].endswith("all down")
