"""Prints which room imports which, one row a room, from the code's own imports."""

import sys
from pathlib import Path

import grimp

ROOMS = (
    "app",
    "learn",
    "agent",
    "ingest",
    "detect",
    "decide",
    "respond",
    "console",
    "store",
    "queue",
    "seal",
    "core",
)


def table() -> list[tuple[str, dict[str, int]]]:
    """For each room that exists, how many import statements lead to each other room."""
    graph = grimp.build_graph("vedette")
    rows = []
    for room in ROOMS:
        if not (Path("src/vedette") / room / "__init__.py").is_file():
            continue
        counts: dict[str, int] = {}
        inside = {f"vedette.{room}", *graph.find_descendants(f"vedette.{room}")}
        for module in inside:
            for imported in graph.find_modules_directly_imported_by(module):
                parts = imported.split(".")
                if len(parts) > 1 and parts[1] != room and parts[1] in ROOMS:
                    counts[parts[1]] = counts.get(parts[1], 0) + 1
        rows.append((room, counts))
    return rows


def main() -> None:
    """Writes the table to standard output."""
    sys.stdout.write("\nroom      imports of ours (statements)\n")
    for room, counts in table():
        found = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        sys.stdout.write(f"{room:<9} {found or 'none'}\n")


if __name__ == "__main__":
    main()
