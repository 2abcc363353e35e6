"""Put a front-end under stress: ``python -m bench.stress [--seconds 60] [--clients 64] [--seed N]``."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from bench.front_end import running_front_end
from bench.stress.run import CLIENTS, stress

MAX_SEED = 1 << 32


def parse_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.stress", description="Do everything at once.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the clients go on")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="how many there are")
    parser.add_argument("--seed", type=int, help="that of an earlier run, to have its clients do the same")
    parser.add_argument(
        "--folder", type=Path, default=Path("build"), help="where the database lies for the time; a real disk"
    )
    return parser.parse_args()


def main() -> int:
    """Run it, print what was found, and return the exit status."""
    arguments = parse_arguments()
    seed = random.randrange(MAX_SEED) if arguments.seed is None else arguments.seed
    print(f"seed {seed}", flush=True)
    with running_front_end(arguments.folder) as front_end:
        findings = stress(front_end, seconds=arguments.seconds, seed=seed, clients=arguments.clients)
    for name, count in sorted(findings.calls.items()):
        print(f"{name:<24}{count:>8}")
    total = sum(findings.calls.values())
    print(f"{total} calls, {findings.vms} VMs; memory grew by {findings.grown_mib:.0f} MiB")
    for complaint in findings.complaints:
        print(f"WRONG: {complaint}")
    return 1 if findings.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
