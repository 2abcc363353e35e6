from __future__ import annotations

import base64
import zlib

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.wire.monitoring import packing
from opennebula_core.wire.monitoring.packing import decode_base64, pack, unpack


def test_a_text_survives() -> None:
    assert unpack(pack("é\n" * 1000)) == "é\n" * 1000


def test_a_payload_is_base64_of_a_zlib_stream_without_line_breaks() -> None:
    payload = pack("x" * 10_000 + "".join(map(str, range(5000))))

    assert "\n" not in payload
    assert zlib.decompress(base64.b64decode(payload)).startswith(b"xxxx")


@pytest.mark.parametrize("payload", ["", "-"])
def test_no_payload_is_an_empty_text(payload: str) -> None:
    assert unpack(payload) == ""


@pytest.mark.parametrize("payload", ["!!!", "eA==", "eNq"])
def test_a_damaged_payload_is_refused(payload: str) -> None:
    with pytest.raises(DriverError, match="read a monitoring message"):
        unpack(payload)
    with pytest.raises(DriverError, match="read a monitoring message"):
        decode_base64("!!!")


def test_a_payload_that_grows_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_UNPACKED_BYTES", 1000)

    with pytest.raises(DriverError, match="more than 1000 bytes"):
        unpack(pack("x" * 1_000_000))


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert decode_base64(base64.b64encode(b"a\xffb").decode()) == "a\ufffdb"
