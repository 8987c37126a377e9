"""Combines the experts' cases into one label, score and severity, and puts the reasons in order.

Every case is a chance sigma(nats) that something is wrong; the snapshot's is the noisy-OR of them: one sure case is
enough, several half-sure ones may be, and many traces of one act do not add up without bound. Of each expert only the
three strongest cases count, so that a crowd of weak ones (a deploy, an install) can't outvote a threshold.
"""

from collections.abc import Mapping, Sequence
from math import exp, expm1, log1p
from typing import Any

import msgspec

from vedette.core import ConfigError, Label, Reason, Record, Severity
from vedette.detect.case import Case
from vedette.detect.short import short

__all__ = ["Judge", "JudgePart", "Judgement"]

_COUNTED = 3  # cases of one expert
_REASONS = 5
_SUBJECT, _TEXT = 400, 1_000  # letters
_SAID = -3.0  # nats; a case below explains nothing


class JudgePart(msgspec.Struct, kw_only=True):
    """What the bundle says of the judge: nats that an expert's cases must have beyond the expert's own threshold."""

    offsets: dict[str, float] = {}


class Judgement(Record, frozen=True, kw_only=True):
    """`odds` are the log odds over the threshold's; `score` their sigmoid."""

    label: Label
    score: float
    severity: Severity
    experts: dict[str, float]
    reasons: tuple[Reason, ...]

    @property
    def alarm(self) -> bool:
        """Whether this snapshot is called abnormal."""
        return self.label is Label.ABNORMAL


class Judge:
    """Stateless: the same cases and doubts give the same judgement."""

    def __init__(self, part: Any) -> None:
        try:
            self._offsets = msgspec.convert(part, JudgePart).offsets
        except msgspec.ValidationError as error:
            raise ConfigError(f"the bundle's part for the judge can't be read: {error}") from error

    def decide(
        self, cases: Mapping[str, Sequence[Case]], doubts: Sequence[tuple[str, str]]
    ) -> Judgement:
        """The judgement over each expert's cases. `doubts` are (subject, text) of why nothing may be called normal."""
        counted = [
            (case.nats - self._offsets.get(name, 0.0), case)
            for name in sorted(cases)
            for case in _strongest(cases[name])
        ]
        score = _any_of(nats for nats, _ in counted)
        experts = {
            name: _any_of(nats for nats, case in counted if case.expert == name)
            for name in sorted(cases)
        }
        if score > 0.5:
            label = Label.ABNORMAL
        elif doubts:
            label = Label.UNKNOWN
        else:
            label = Label.NORMAL
        alarm = label is Label.ABNORMAL
        return Judgement(
            label=label,
            score=score,
            severity=_severity(counted, experts) if alarm else Severity.NONE,
            experts=experts,
            reasons=_reasons(counted if label is not Label.NORMAL else [], doubts),
        )


def _strongest(cases: Sequence[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: (-case.nats, case.subject, case.text))[:_COUNTED]


def _any_of(nats: Any) -> float:
    return abs(expm1(-sum(map(_weight, nats))))  # abs: no case at all is 0.0, never -0.0


def _weight(nats: float) -> float:
    """-ln(1 - sigma(nats)): what a case adds to the log odds that nothing is wrong."""
    return nats + log1p(exp(-nats)) if nats > 0 else log1p(exp(nats))


def _severity(counted: Sequence[tuple[float, Case]], experts: Mapping[str, float]) -> Severity:
    """By the strongest case; a lone fault of vitals is a step lower, two sure experts are a step higher."""
    nats, case = max(counted, key=lambda pair: pair[0])
    rank = 1 + (nats > 1.0) + (nats > 4.0)
    rank += case.expert != "vitals"
    sure = sum(share > 0.5 for share in experts.values())
    return list(Severity)[min(4, rank + (sure > 1))]


def _reasons(
    counted: Sequence[tuple[float, Case]], doubts: Sequence[tuple[str, str]]
) -> tuple[Reason, ...]:
    total = sum(_weight(nats) for nats, _ in counted) or 1.0
    grounds = [
        Reason(
            expert=case.expert,
            subject=short(case.subject, _SUBJECT),
            text=short(case.text, _TEXT),
            attack=case.attack,
            observed=short(case.observed, _TEXT),
            expected=short(case.expected, _TEXT),
            since=case.since,
            share=round(_weight(nats) / total, 4),
        )
        for nats, case in sorted(counted, key=lambda pair: (-pair[0], pair[1].subject))
        if nats > _SAID
    ]
    grounds.sort(key=lambda reason: -reason.share)
    blind = [
        Reason(expert="judge", subject=short(subject, _SUBJECT), text=short(text, _TEXT))
        for subject, text in doubts
    ]
    kept = grounds[: _REASONS - min(len(blind), 1)]
    return (*kept, *blind[: _REASONS - len(kept)])
