from __future__ import annotations

import pytest

from opennebula_core.errors import InternalError
from opennebula_core.model.quotas import (
    DEFAULT,
    METRICS,
    Limits,
    Metric,
    Resource,
    parse_limits,
)
from opennebula_core.model.template import Template


def parse(text: str) -> list[Limits]:
    return parse_limits(Template.parse(text))


def test_metrics_that_are_not_named_are_left_to_the_default() -> None:
    (limits,) = parse("VM=[VMS=4, CPU=0.5, MEMORY=-2]")
    numbers = dict(zip((metric.name for metric in METRICS[Resource.VM]), limits.numbers, strict=True))
    assert numbers == {
        "VMS": 4, "RUNNING_VMS": DEFAULT, "CPU": 50, "RUNNING_CPU": DEFAULT, "MEMORY": -2,
        "RUNNING_MEMORY": DEFAULT, "SYSTEM_DISK_SIZE": DEFAULT,
    }  # fmt: skip


def test_the_last_entry_of_several_for_the_same_counts() -> None:
    assert parse("NETWORK=[ID=3,LEASES=1]\nNETWORK=[ID=4,LEASES=2]\nNETWORK=[ID=3,LEASES=0]") == [
        Limits(Resource.NETWORK, 3, (0,)),
        Limits(Resource.NETWORK, 4, (2,)),
    ]


def test_what_documents_say_is_used_is_passed_over() -> None:
    assert parse("DATASTORE=[ID=1,IMAGES=5,IMAGES_USED=3,SIZE=-1,SIZE_USED=7]") == [
        Limits(Resource.DATASTORE, 1, (5, -1))
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("VM=[VMS=-3]", "Wrong limit '-3' for VMS"),
        ("VM=[VMS=1.5]", "Wrong limit '1.5' for VMS"),
        ("VM=[VMS=many]", "Wrong limit 'many' for VMS"),
        ("VM=[CPU=nan]", "Wrong limit 'nan' for CPU"),
        ("VM=[CPU=1e3]", "Wrong limit '1e3' for CPU"),
        ("VM=[CPU=-0.5]", "Wrong limit '-0.5' for CPU"),
        ("VM=[VMS=99999999999999999999]", "Wrong limit '9"),
        ("VM=[VMZ=1]", "Wrong metric 'VMZ' in VM quota; use CPU, MEMORY"),
        ("NETWORK=[LEASES=1]", "Wrong or missing ID '' in NETWORK quota"),
        ("NETWORK=[ID=-1,LEASES=1]", "Wrong or missing ID '-1' in NETWORK quota"),
        ("HOST=[ID=1]", "Wrong quota 'HOST'; use vectors DATASTORE, NETWORK, VM, IMAGE"),
        ("VM=3", "Wrong quota 'VM'"),
    ],
)
def test_a_limit_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(InternalError) as refused:
        parse(text)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(("number", "text"), [(250, "2.50"), (200, "2"), (0, "0"), (-1, "-1"), (-2, "-2")])
def test_cpu_is_counted_in_percent_and_shown_in_cores(number: int, text: str) -> None:
    cpu = Metric("CPU", "cpu_percent", 100)
    assert cpu.text(number) == text
    assert cpu.number(text) == number
