"""Holds recorded sessions against their `same` form: equal verdicts, incidents, facts; and the bytes on the wire of both.

    python tools/same_sessions.py FILE.jsonl.gz...

Files whose names agree up to the first dot are one host's session, in the order given. Exits with 1 where anything differs.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fixtures.same import in_same_form, sealed_size

from vedette.app.judging import Judged
from vedette.app.replay import Replay
from vedette.core import Snapshot
from vedette.learn import read_recording
from vedette.seal import KeyRing


def outcome(judged: Judged) -> tuple[Any, ...]:
    """All that may not depend on how tables are sent."""
    return (judged.verdict, judged.scored.facts, judged.scored.late, judged.decision)


def differences(session: list[Snapshot], reduced: list[Snapshot]) -> list[int]:
    """The seqs whose outcome differs."""
    full = [judged for judged, _ in Replay().run(session)]
    same = [judged for judged, _ in Replay().run(reduced)]
    return [
        one.verdict.seq
        for one, other in zip(full, same, strict=True)
        if outcome(one) != outcome(other) or other.scored.needed
    ]


def main(files: list[str]) -> int:
    """One line a host, and their sum."""
    key = KeyRing.generate().current.public
    bad, full_bytes, same_bytes = 0, 0, 0
    hosts: dict[str, list[Path]] = {}
    for name in files:
        hosts.setdefault(Path(name).name.partition(".")[0], []).append(Path(name))
    for name, parts in hosts.items():
        session = [snapshot for part in parts for snapshot in read_recording(part)]
        reduced = list(in_same_form(session))
        differing = differences(session, reduced)
        full = sum(sealed_size(one, key) for one in session)
        same = sum(sealed_size(one, key) for one in reduced)
        digests = sum(len(one.same) for one in reduced)
        sys.stdout.write(
            f"{name}: {len(session)} snapshots, {digests} tables as digests, "
            f"{full} bytes in full, {same} with same ({same / full:.0%}), {len(differing)} outcomes differ"
            + (f": {differing[:5]}" if differing else "")
            + "\n"
        )
        bad, full_bytes, same_bytes = bad + len(differing), full_bytes + full, same_bytes + same
    sys.stdout.write(
        f"all: {full_bytes} bytes in full, {same_bytes} with same ({same_bytes / full_bytes:.0%})\n"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
