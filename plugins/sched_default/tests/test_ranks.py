from __future__ import annotations

import pytest

from opennebula_core.errors import ConfigError
from opennebula_sched_default.ranks import HOST_RANKS, default_rank


def test_each_classic_policy_stands_for_a_rank() -> None:
    assert default_rank("packing", "", HOST_RANKS, "policy") == "RUNNING_VMS"
    assert default_rank("striping", "", HOST_RANKS, "policy") == "- RUNNING_VMS"


def test_a_custom_policy_is_the_rank_beside_it() -> None:
    assert default_rank("custom", "FREE_MEMORY", HOST_RANKS, "policy") == "FREE_MEMORY"


def test_a_custom_policy_without_a_rank_is_refused() -> None:
    with pytest.raises(ConfigError, match="without a rank"):
        default_rank("custom", " ", HOST_RANKS, "policy")


def test_an_unknown_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="choose one of fixed, load-aware, packing, striping, custom"):
        default_rank("stripping", "", HOST_RANKS, "policy")
