"""Runs the fuzz targets, each in a process of its own, and prints what they did as one table.

`python tools/fuzz.py --seconds 60 [TARGET...]`. Ends with 1 when a target found something; the input stays in `.fuzz`.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".fuzz"
TARGETS = [
    "header",
    "envelope",
    "fields",
    "digest",
    "signature",
    "request",
    "token",
    "keys",
    "command",
    "ruling",
    "snapshot-json",
    "snapshot-msgpack",
    "rows",
    "judged",
]
HEAD = (
    "target",
    "inputs",
    "seconds",
    "inputs/s",
    "branches",
    "features",
    "corpus",
    "slowest s",
    "peak MiB",
    "found",
)
_LAST = re.compile(r"#\d+\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/")


class Done(NamedTuple):
    """What one target's process said at its end."""

    row: tuple[str, ...]
    found: bool
    tail: str


def fuzz(name: str, seconds: int) -> Done:
    """Runs one target for so long, from its seeds and what earlier runs kept."""
    folder = FOLDER / name
    process = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", name, str(folder), str(seconds)],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = process.stderr
    found = process.returncode != 0
    covered = _LAST.findall(said)[-1] if _LAST.search(said) else ("?", "?", "?")
    wall = re.search(r"Done \d+ runs in (\d+) second", said)
    row = (
        name,
        _stat(said, "number_of_executed_units"),
        wall[1] if wall else "?",
        _stat(said, "average_exec_per_sec"),
        *covered,
        _stat(said, "slowest_unit_time_sec"),
        _stat(said, "peak_rss_mb"),
        _artifact(said) if found else "nothing",
    )
    return Done(row, found, "\n".join(said.splitlines()[-30:]) if found else "")


def _stat(said: str, name: str) -> str:
    match = re.search(rf"stat::{name}:\s+(\d+)", said)
    return match[1] if match else "?"


def _artifact(said: str) -> str:
    match = re.search(r"Test unit written to (\S+)", said)
    return str(Path(match[1]).relative_to(ROOT)) if match else "it failed"


def main() -> int:
    """The table, and 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "targets", nargs="*", default=TARGETS, metavar="TARGET", help=" ".join(TARGETS)
    )
    asked = parser.parse_args()
    if unknown := set(asked.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    with ThreadPoolExecutor(asked.jobs) as pool:
        done = list(pool.map(lambda name: fuzz(name, asked.seconds), asked.targets))
    rows = [HEAD, *(one.row for one in done)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        sys.stdout.write("  ".join(cells) + "\n")
    for one in done:
        if one.found:
            sys.stderr.write(f"\n{one.row[0]}:\n{one.tail}\n")
    return int(any(one.found for one in done))


if __name__ == "__main__":
    sys.exit(main())
