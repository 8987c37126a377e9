"""Makes a model bundle from recordings of normal activity."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from vedette.detect import (
    FITS,
    SCALED,
    VOICES,
    Arrival,
    Bundle,
    Combination,
    DataFile,
    Detector,
    Fit,
    JudgePart,
    Scale,
    Weighed,
    expert_of,
    pack_bundle,
)
from vedette.learn.evaluate import Progress, replay
from vedette.learn.judge_graph import judge_graph
from vedette.learn.recording import Recording, file_digest, group_by_host
from vedette.learn.scales import fit_scale, peaks

__all__ = ["build_bundle"]

_DAY = 1440


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

    The judge's scales are set without labels: each host in turn is left out, experts learned from the others see its
    recording from a cold start, and by what each voice says of it there is a scale for the voice (see `fit_scale`).

    Raises:
        InvalidInput: a file can't be read.
    """
    hosts = group_by_host(files)
    studies = {
        expert: _studied(hosts, fits[expert], told) for expert, told in _told(fits, progress)
    }
    parts = {expert: fit.part(studies[expert].values()) for expert, fit in fits.items()}
    loudest = _left_out(hosts, fits, studies, progress)
    snapshots = sum(1 for recording in hosts.values() for _ in recording)
    scales = {
        voice: fit_scale(loudest.get(voice, []), snapshots / (30 * _DAY), share)
        for voice, share in VOICES.items()
        if voice not in SCALED and expert_of(voice) in parts
    }
    data = tuple(DataFile(name=path.name, sha256=file_digest(path)) for path in sorted(files))
    bundle = pack_bundle(
        name,
        {**parts, "judge": _judge(scales)},
        made=made,
        data=data,
        figures={
            "hosts": len(hosts),
            "snapshots": snapshots,
            "host_days": round(snapshots / _DAY, 2),
            "events_left_out": {voice: len(found) for voice, found in sorted(loudest.items())},
            "loudest_left_out": {
                voice: round(max(found), 2) for voice, found in sorted(loudest.items())
            },
        },
    )
    bundle.save(out)
    return bundle


def _judge(scales: dict[str, Scale]) -> Any:
    part = JudgePart(scales=scales, graph=judge_graph(Combination(scales)))
    return msgspec.to_builtins(part, builtin_types=(bytes,))


def _studied(
    hosts: Mapping[str, Recording], fit: Fit, told: Callable[[int, int], None]
) -> dict[str, Any]:
    studies = {}
    for done, (host, recording) in enumerate(hosts.items()):
        told(done, len(hosts))
        studies[host] = fit.study(recording)
    return studies


def _told(
    fits: Mapping[str, Fit], progress: Progress
) -> list[tuple[str, Callable[[int, int], None]]]:
    return [(expert, partial(progress, f"learn {expert}")) for expert in fits]


def _left_out(
    hosts: Mapping[str, Recording],
    fits: Mapping[str, Fit],
    studies: Mapping[str, Mapping[str, Any]],
    progress: Progress,
) -> dict[str, list[float]]:
    """The peaks of each voice's events on hosts that it was not learned from."""
    loudest: dict[str, list[float]] = defaultdict(list)
    for done, host in enumerate(hosts):
        progress(f"leave out {host}", done, len(hosts))
        others = [other for other in hosts if other != host] or [host]
        parts = {
            expert: fit.part([studies[expert][other] for other in others])
            for expert, fit in fits.items()
        }
        for voice, said in _said(parts, hosts[host]).items():
            loudest[voice] += peaks(said)
    return loudest


def _said(parts: Mapping[str, Any], recording: Recording) -> dict[str, list[tuple[float, float]]]:
    """What each voice says most in each snapshot in which it says anything, with the minute."""
    said: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def listen(arrival: Arrival, weighed: Weighed) -> None:
        minute = arrival.snapshot.taken_at.timestamp() / 60.0
        most: dict[str, float] = {}
        for nats, case in weighed.cases:
            voice = case.voice or case.expert
            most[voice] = max(nats, most.get(voice, nats))
        for voice, nats in most.items():
            said[voice].append((minute, nats))

    for _ in replay(
        Detector(pack_bundle("left-out", dict(parts), made=""), listen=listen), recording
    ):
        pass
    return said
