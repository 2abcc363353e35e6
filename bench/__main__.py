"""Run the benchmarks: ``python -m bench [NAME ...] [--scale 0.1] [--folder FOLDER] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.api import (
    measure_allocate,
    measure_hosts,
    measure_info,
    measure_memory,
    measure_pool,
    measure_restart,
    measure_sharing,
)
from bench.drivers import measure_driver_actions
from bench.figures import Figure, read_references, short, table
from bench.front_end import FrontEnd, running_front_end
from bench.lifecycle import measure_lifecycle
from bench.metrics import measure_metrics

Benchmark = Callable[[FrontEnd, float], Iterator[Figure]]

BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "allocate": measure_allocate,
    "info": measure_info,
    "pool": measure_pool,
    "sharing": measure_sharing,
    "metrics": measure_metrics,
    "memory": measure_memory,
    "restart": measure_restart,
    "lifecycle": measure_lifecycle,
    "hosts": measure_hosts,
    "drivers": measure_driver_actions,
}
"""In this order: each finds the VMs that the ones before it made."""


def parse_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the core.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all when none")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size, such as 0.1")
    parser.add_argument(
        "--folder", type=Path, default=Path("build"), help="where databases lie for the time; a real disk"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no benchmark {min(unknown)!r}; there are {', '.join(BENCHMARKS)}")
    return arguments


def main() -> None:
    """Measure and print the table."""
    arguments = parse_arguments()
    references = read_references()
    figures: list[Figure] = []
    with running_front_end(arguments.folder) as front_end:
        for name in arguments.names or BENCHMARKS:
            for figure in BENCHMARKS[name](front_end, arguments.scale):
                row = references[figure.key]
                print(f"{row.what.strip()}: {short(figure.value)} {row.unit}", file=sys.stderr, flush=True)
                figures.append(figure)
    scale = "" if arguments.scale == 1 else f", at {arguments.scale:g} of the full size"
    print(f"\n{platform.processor() or platform.machine()}, Python {platform.python_version()}{scale}\n")
    print(table(figures, references))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({figure.key: figure.value for figure in figures}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
