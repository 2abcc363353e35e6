from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.errors import ConfigError
from opennebula_vmm_kvm import KvmDriver
from opennebula_vmm_kvm.options import merged_defaults


def test_a_configured_attribute_leaves_its_neighbours_alone() -> None:
    disk = merged_defaults("DISK = [ CACHE = writeback ]").vector("DISK")

    assert disk == {"DRIVER": "raw", "CACHE": "writeback", "DISCARD": "unmap"}


def test_a_configured_value_takes_the_place_of_the_shipped_one() -> None:
    assert merged_defaults("MEMORY_SLOTS = 4").values("MEMORY_SLOTS") == ["4"]


def test_several_vectors_of_one_name_are_all_kept() -> None:
    raw = "RAW = [ TYPE = kvm, DATA = a ]\nRAW = [ TYPE = kvm, DATA = b ]"

    assert [vector["DATA"] for vector in merged_defaults(raw).vectors("RAW")] == ["a", "b"]


def test_defaults_that_do_not_parse_are_an_error_that_names_the_option() -> None:
    with pytest.raises(ConfigError, match="option 'defaults'"):
        merged_defaults("DISK = [ CACHE")


def test_an_unknown_acceleration_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'fast' is none of auto, kvm, qemu"):
        KvmDriver(DriverContext("kvm", Path("/"), {"acceleration": "fast"}))
