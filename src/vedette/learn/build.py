"""Makes a model bundle from recordings of normal activity."""

from collections.abc import Mapping, Sequence
from math import copysign, log, log1p
from pathlib import Path
from typing import Any

from vedette.detect import FITS, Bundle, DataFile, Detector, Fit, pack_bundle
from vedette.learn.evaluate import Progress, replay
from vedette.learn.recording import Recording, file_digest, group_by_host

__all__ = ["build_bundle"]

_MARGIN = 2.0  # nats above the loudest harmless case of a host that was not learned from
_DAY = 1440
_FAR = -50.0  # nats of what was never said


def build_bundle(
    files: Sequence[Path],
    out: Path,
    *,
    name: str,
    made: str,
    fits: Mapping[str, Fit] = FITS,
    progress: Progress = lambda *_: None,
) -> Bundle:
    """Learns every expert's part from the files (normal activity only), sets the judge, and writes the bundle to `out`.

    The judge's offsets are set without labels: each host in turn is left out, experts learned from the others see its
    recording from a cold start, and what they say at most, with two nats to spare, must not make an alarm. An expert
    that stays below its own threshold by that margin keeps it.

    Raises:
        InvalidInput: a file can't be read.
    """
    hosts = group_by_host(files)
    parts = {expert: fit(list(hosts.values())) for expert, fit in _told(fits, progress)}
    loudest = _left_out(hosts, fits, progress)
    offsets = {
        expert: round(nats + _MARGIN, 1)
        for expert, nats in sorted(loudest.items())
        if nats + _MARGIN > 0
    }
    snapshots = sum(1 for recording in hosts.values() for _ in recording)
    data = tuple(DataFile(name=path.name, sha256=file_digest(path)) for path in sorted(files))
    bundle = pack_bundle(
        name,
        {**parts, "judge": {"offsets": offsets}},
        made=made,
        data=data,
        figures={
            "hosts": len(hosts),
            "snapshots": snapshots,
            "host_days": round(snapshots / _DAY, 2),
            "loudest_left_out": {key: round(nats, 2) for key, nats in sorted(loudest.items())},
            "judge_offsets": offsets,
        },
    )
    bundle.save(out)
    return bundle


def _told(fits: Mapping[str, Fit], progress: Progress) -> list[tuple[str, Fit]]:
    for done, expert in enumerate(fits):
        progress(f"learn {expert}", done, len(fits))
    return list(fits.items())


def _left_out(
    hosts: Mapping[str, Recording], fits: Mapping[str, Fit], progress: Progress
) -> dict[str, float]:
    """The most nats over its threshold that each expert says on a host it was not learned from."""
    loudest: dict[str, float] = {}
    for done, host in enumerate(hosts):
        progress(f"leave out {host}", done, len(hosts))
        others = [recording for other, recording in hosts.items() if other != host] or [hosts[host]]
        parts = {expert: fit(others) for expert, fit in fits.items()}
        for expert, nats in _loudest(parts, hosts[host]).items():
            loudest[expert] = max(nats, loudest.get(expert, nats))
    return loudest


def _loudest(parts: Mapping[str, Any], recording: Recording) -> dict[str, float]:
    detector = Detector(pack_bundle("left-out", dict(parts), made=""))
    most: dict[str, float] = {}
    for _, scored in replay(detector, recording):
        for expert, share in scored.experts.items():
            most[expert] = max(_log_odds(share), most.get(expert, _FAR))
    return most


def _log_odds(share: float) -> float:
    return log(share) - log1p(-share) if 0.0 < share < 1.0 else copysign(-_FAR, share - 0.5)
