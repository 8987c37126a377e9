"""The judge: one label, score and severity over what all experts say, and the reasons in order.

See `combination` for how cases become one number, in nats over the reference budget of one incident a host-month. Another
budget moves the threshold by ln(budget). The number is rounded to a millionth, so that the last bits of a sum change no label.
"""

from collections.abc import Mapping, Sequence
from math import exp, isfinite, log, log1p
from typing import Any, NamedTuple

import msgspec
import numpy as np

from vedette.core import ConfigError, Confirmation, Label, Reason, Record, Severity
from vedette.detect.blind import seen_and_expected
from vedette.detect.case import Case
from vedette.detect.combination import ABSENT, AGREES, COUNTED, Combination, Combine, Scale
from vedette.detect.confirmation import Recent, confirmed
from vedette.detect.graph import Graph
from vedette.detect.short import SUBJECT_LETTERS, short

__all__ = [
    "BUDGETS",
    "REFERENCE",
    "SILENCE",
    "Judge",
    "JudgePart",
    "Judgement",
    "Weighed",
]

REFERENCE = 1.0
"""False incidents a host-month that nats are told against, and the budget where none is asked for."""
BUDGETS = (0.01, 1_000.0)
"""The least and the largest budget that may be asked for."""

_REASONS = 5
_TEXT = 1_000  # letters
_SAID = -3.0  # nats; a case below explains nothing
_DIGITS = 6
_TENFOLD = log(10.0)


class JudgePart(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the bundle says of the judge: each voice's scale, and `graph`, the ONNX graph that computes the combination.

    `offsets` is how earlier bundles said it, without a graph: nats to take off.
    """

    scales: dict[str, Scale] = {}
    graph: bytes = b""
    offsets: dict[str, float] = {}


class Weighed(NamedTuple):
    """One host's cases on the scale, strongest first, and what they come to, in nats over the budget that is asked for."""

    cases: tuple[tuple[float, Case], ...]
    experts: dict[str, float]
    total: float


SILENCE = Weighed((), {}, ABSENT)


class Judgement(Record, frozen=True, kw_only=True):
    """`score` is the sigmoid of the nats over the budget; `experts` each expert's own."""

    label: Label
    score: float
    severity: Severity
    experts: dict[str, float]
    reasons: tuple[Reason, ...]
    confirmation: Confirmation

    @property
    def alarm(self) -> bool:
        """Whether this snapshot is called abnormal."""
        return self.label is Label.ABNORMAL

    @property
    def subjects(self) -> tuple[str, ...]:
        """What made it abnormal; none when it is not."""
        grounds = (reason.subject for reason in self.reasons if reason.expert != "judge")
        return tuple(grounds) if self.alarm else ()


class Judge:
    """Stateless: the same cases and doubts give the same judgement.

    Raises:
        ConfigError: the part can't be read, or the budget is out of bounds.
    """

    def __init__(self, part: Any, *, budget: float = REFERENCE) -> None:
        if not (isfinite(budget) and BUDGETS[0] <= budget <= BUDGETS[1]):
            raise ConfigError(
                f"a budget of {budget} incidents a host-month; it must be from {BUDGETS[0]} to {BUDGETS[1]:g}"
            )
        self.shift = log(budget / REFERENCE)
        try:
            known = msgspec.convert(part, JudgePart)
        except msgspec.ValidationError as error:
            raise ConfigError(f"the bundle's part for the judge can't be read: {error}") from error
        moved = {name: Scale(nats=(-off,)) for name, off in known.offsets.items()}
        reference = Combination({**moved, **known.scales})
        self._combine: Combine = Graph(known.graph) if known.graph else reference
        self._voices, self._experts = reference.voices, reference.experts

    def weigh(self, heard: Sequence[Mapping[str, Sequence[Case]]]) -> list[Weighed]:
        """Each host's cases, by expert, put together; a wave at once."""
        axis = {voice: at for at, voice in enumerate(self._voices)}
        strongest = [_strongest(cases) for cases in heard]
        raw = np.full((len(heard), len(axis), COUNTED), ABSENT)
        for host, voices in enumerate(strongest):
            for voice, cases in voices.items():
                raw[host, axis[voice], : len(cases)] = [case.nats for case in cases]
        scaled, experts, total = (np.round(a, _DIGITS) for a in self._combine(raw))
        found = []
        for host, voices in enumerate(strongest):
            told = [
                (float(nats) + self.shift, case)
                for voice, cases in voices.items()
                for nats, case in zip(scaled[host, axis[voice]], cases, strict=False)
            ]
            told.sort(key=lambda pair: (-pair[0], pair[1].subject, pair[1].text))
            spoken = zip(self._experts, experts[host], strict=True)
            said = {name: float(nats) + self.shift for name, nats in spoken if name in heard[host]}
            found.append(Weighed(tuple(told), said, float(total[host]) + self.shift))
        return found

    def decide(
        self, weighed: Weighed, doubts: Sequence[tuple[str, str]], recent: Recent
    ) -> Judgement:
        """The judgement. `doubts` are (subject, text) of why nothing may be called normal; `recent` as in `confirmation`."""
        alarm = weighed.total > 0.0
        if alarm:
            label = Label.ABNORMAL
        elif doubts:
            label = Label.UNKNOWN
        else:
            label = Label.NORMAL
        reasons = _reasons(weighed.cases if label is not Label.NORMAL else (), doubts)
        agree = sum(nats > AGREES for nats in weighed.experts.values())
        subjects = [reason.subject for reason in reasons if reason.expert != "judge"]
        return Judgement(
            label=label,
            score=_chance(weighed.total),
            severity=self._severity(weighed) if alarm else Severity.NONE,
            experts={name: _chance(nats) for name, nats in sorted(weighed.experts.items())},
            reasons=reasons,
            confirmation=confirmed(recent, subjects, agree) if alarm else Confirmation(),
        )

    def _severity(self, weighed: Weighed) -> Severity:
        """How sure, and of what: by the nats over the reference, so that a generous budget makes nothing graver.

        What only a generous budget lets speak is low. Beyond that there is a step where it is ten times rarer than the
        threshold, another at a hundred times, one where an intruder's traces speak and not metrics alone (a fault can wait
        for the morning), and one where two experts are sure each by itself.
        """
        case = weighed.cases[0][1]
        sure = weighed.total - self.shift
        if sure <= 0.0:
            return Severity.LOW
        alone = sum(nats - self.shift > 0.0 for nats in weighed.experts.values())
        rank = (
            1
            + (sure > _TENFOLD)
            + (sure > 2.0 * _TENFOLD)
            + (case.expert != "vitals")
            + (alone > 1)
        )
        return list(Severity)[min(4, rank)]


def _strongest(cases: Mapping[str, Sequence[Case]]) -> dict[str, list[Case]]:
    voices: dict[str, list[Case]] = {}
    for name in sorted(cases):
        for case in cases[name]:
            voices.setdefault(case.voice or name, []).append(case)
    for voice, said in voices.items():
        said.sort(key=lambda case: (-case.nats, case.subject, case.text))
        voices[voice] = said[:COUNTED]
    return voices


def _chance(nats: float) -> float:
    if nats <= ABSENT / 2:
        return 0.0
    return 1.0 / (1.0 + exp(-nats))


def _reasons(
    cases: Sequence[tuple[float, Case]], doubts: Sequence[tuple[str, str]]
) -> tuple[Reason, ...]:
    grounds = [(nats, case) for nats, case in cases if nats > _SAID]
    whole = sum(log1p(exp(nats)) for nats, _ in grounds)
    told = [
        Reason(
            expert=case.expert,
            subject=short(case.subject, SUBJECT_LETTERS),
            text=short(case.text, _TEXT),
            attack=case.attack,
            observed=short(case.observed, _TEXT),
            expected=short(case.expected, _TEXT),
            since=case.since,
            share=round(log1p(exp(nats)) / whole, 4),
        )
        for nats, case in grounds
    ]
    blind = [_blind(subject, text) for subject, text in doubts]
    kept = told[: _REASONS - min(len(blind), 1)]
    return (*kept, *blind[: _REASONS - len(kept)])


def _blind(subject: str, text: str) -> Reason:
    seen, expected = seen_and_expected(subject, text)
    return Reason(
        expert="judge",
        subject=short(subject, SUBJECT_LETTERS),
        text=short(text, _TEXT),
        observed=short(seen, _TEXT),
        expected=short(expected, _TEXT),
    )
