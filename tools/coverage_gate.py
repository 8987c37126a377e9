"""Holds branch coverage per room against tools/coverage_floor.json: 100 % where stated, a ratchet elsewhere."""

import json
import math
import sys
from collections import defaultdict
from pathlib import Path

FLOORS = Path(__file__).with_name("coverage_floor.json")


def by_room(report: Path) -> dict[str, float]:
    """Share of covered lines and branches per room, in percent."""
    covered: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for name, entry in json.loads(report.read_text())["files"].items():
        parts = Path(name).parts
        if "vedette" not in parts or parts[-2] == "vedette":
            continue
        room = parts[parts.index("vedette") + 1]
        summary = entry["summary"]
        covered[room] += summary["covered_lines"] + summary["covered_branches"]
        total[room] += summary["num_statements"] + summary["num_branches"]
    return {room: 100.0 * covered[room] / total[room] for room in sorted(total) if total[room]}


def main() -> int:
    """Prints each room beside its floor; 1 when one is below."""
    floors: dict[str, float] = json.loads(FLOORS.read_text())
    measured = by_room(Path(sys.argv[1]))
    missing = sorted(floors.keys() - measured.keys())
    failed = bool(missing)
    for room in missing:
        sys.stdout.write(f"{room}: not measured\n")
    sys.stdout.write("room       coverage   floor\n")
    for room, share in measured.items():
        floor = floors.get(room, 100.0)
        low = share + 1e-9 < floor
        failed |= low
        # Cut, not rounded: what lacks one branch of thousands is not 100 %.
        shown = math.floor(share * 100) / 100
        sys.stdout.write(f"{room:<10} {shown:7.2f} %  {floor:5.1f}{'  BELOW' if low else ''}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
