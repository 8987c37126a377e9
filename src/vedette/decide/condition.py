"""The `when` of a policy: CEL over the verdict, its incident, its host and the fleet, type-checked before it may run.

Every variable is declared flat under its dotted name with its type, so a misspelt field or a comparison of unlike
types is an error at load, with its place. Cost is bounded: by MAX_LENGTH and MAX_MACROS here, by the library's parser (nesting of
32) and evaluator (10,000 iterations in all), by RE2 (linear time), and by clipping what a host can make long.
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cel_expr_python import cel  # type: ignore[import-untyped]  # ships a stub but no py.typed

from vedette.core import Host, Incident, InvalidInput, Verdict
from vedette.decide.situation import FleetNow

__all__ = [
    "MAX_LENGTH",
    "MAX_MACROS",
    "STANDING_VARIABLES",
    "VARIABLES",
    "Condition",
    "bind",
    "bind_host",
    "bind_time",
]

MAX_LENGTH = 1_000
MAX_MACROS = 3
_MAX_VALUE = 256
_MAX_LABELS = 50

_TEXTS = cel.Type.List(cel.Type.STRING)
_OF_INCIDENT: dict[str, Any] = {
    "verdict.label": cel.Type.STRING,
    "verdict.score": cel.Type.DOUBLE,
    "verdict.severity": cel.Type.STRING,
    "verdict.late": cel.Type.BOOL,
    "verdict.seq": cel.Type.INT,
    "verdict.taken_at": cel.Type.TIMESTAMP,
    "verdict.subjects": _TEXTS,
    "verdict.attack": _TEXTS,
    "verdict.experts": cel.Type.Map(cel.Type.STRING, cel.Type.DOUBLE),
    "verdict.model": cel.Type.STRING,
    "incident.state": cel.Type.STRING,
    "incident.severity": cel.Type.STRING,
    "incident.title": cel.Type.STRING,
    "incident.causes": _TEXTS,
    "incident.attack": _TEXTS,
    "incident.verdicts": cel.Type.INT,
    "incident.peak_score": cel.Type.DOUBLE,
    "incident.opened_at": cel.Type.TIMESTAMP,
    "incident.last_abnormal_at": cel.Type.TIMESTAMP,
    "fleet.hosts": cel.Type.INT,
    "fleet.abnormal": cel.Type.INT,
    "fleet.share_abnormal": cel.Type.DOUBLE,
}
STANDING_VARIABLES: dict[str, Any] = {
    "trigger": cel.Type.STRING,
    "time.hour": cel.Type.INT,
    "time.minute": cel.Type.INT,
    "time.weekday": cel.Type.INT,
    "host.id": cel.Type.STRING,
    "host.hostname": cel.Type.STRING,
    "host.role": cel.Type.STRING,
    "host.os": cel.Type.STRING,
    "host.labels": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
}
VARIABLES: dict[str, Any] = {
    "trigger": cel.Type.STRING,
    **_OF_INCIDENT,
    **STANDING_VARIABLES,
}
_ENVIRONMENT = cel.NewEnv(variables=VARIABLES)
_STANDING = cel.NewEnv(variables=STANDING_VARIABLES)
_LITERAL = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|//[^\n]*")
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")


class Condition:
    """A compiled expression: over an incident, or (`standing`) over a host alone, of which no snapshot tells anything.

    Raises:
        InvalidInput: it can't be parsed or typed, gives no bool, or may cost too much. The extensions `line` and
            `column` count from 1 within the expression.
    """

    def __init__(self, text: str, *, standing: bool = False) -> None:
        # What breaks off is reported at the end of its last line, not on an empty one after it.
        self.text = text = text.rstrip()
        if len(text) > MAX_LENGTH:
            raise InvalidInput(
                f"a condition may have {MAX_LENGTH} characters; this one has {len(text)}",
                line=1,
                column=1,
            )
        macros = len(_MACRO.findall(_LITERAL.sub("''", text)))
        if macros > MAX_MACROS:
            raise InvalidInput(
                f"a condition may walk lists {MAX_MACROS} times; this one does {macros} times",
                line=1,
                column=1,
            )
        try:
            self._expression = (_STANDING if standing else _ENVIRONMENT).compile(text)
        except RuntimeError as error:
            raise _readable(str(error)) from error
        given = self._expression.return_type()
        if given != cel.Type.BOOL:
            raise InvalidInput(
                f"a condition must give a bool; this one gives {given.name().lower()}",
                line=1,
                column=1,
            )

    def holds(self, values: dict[str, Any]) -> bool:
        """Whether it is true of these values (see `bind`).

        Raises:
            InvalidInput: it has no value here, as when a map lacks a key.
        """
        try:
            result = self._expression.eval(data=values)
        except RuntimeError as error:
            raise InvalidInput(str(error)) from error
        if result.type() != cel.Type.BOOL:
            raise InvalidInput(str(result.plain_value()))
        return bool(result.plain_value())


def bind(verdict: Verdict, incident: Incident, host: Host, fleet: FleetNow) -> dict[str, Any]:
    """The values of VARIABLES but `trigger` and `time`. The host's status is left out: within a batch it would be stale."""
    return {
        "verdict.label": verdict.label.value,
        "verdict.score": float(verdict.score),
        "verdict.severity": verdict.severity.value,
        "verdict.late": verdict.late,
        "verdict.seq": verdict.seq,
        "verdict.taken_at": verdict.taken_at,
        "verdict.subjects": [_clip(reason.subject) for reason in verdict.reasons],
        "verdict.attack": [reason.attack for reason in verdict.reasons if reason.attack],
        "verdict.experts": {name: float(score) for name, score in verdict.experts.items()},
        "verdict.model": verdict.model,
        "incident.state": incident.state.value,
        "incident.severity": incident.severity.value,
        "incident.title": _clip(incident.title),
        "incident.causes": [_clip(cause) for cause in incident.causes],
        "incident.attack": [reason.attack for reason in incident.reasons if reason.attack],
        "incident.verdicts": incident.verdicts,
        "incident.peak_score": float(incident.peak_score),
        "incident.opened_at": incident.opened_at,
        "incident.last_abnormal_at": incident.last_abnormal_at,
        "fleet.hosts": fleet.hosts,
        "fleet.abnormal": fleet.abnormal,
        "fleet.share_abnormal": fleet.share_abnormal,
        **bind_host(host),
    }


def bind_host(host: Host) -> dict[str, Any]:
    """The values of STANDING_VARIABLES but `trigger` and `time`."""
    return {
        "host.id": host.id,
        "host.hostname": _clip(host.hostname),
        "host.role": _clip(host.labels.get("role", "")),
        "host.os": _clip(host.os.name),
        "host.labels": {
            _clip(name): _clip(value) for name, value in sorted(host.labels.items())[:_MAX_LABELS]
        },
    }


def bind_time(at: datetime, timezone: str) -> dict[str, Any]:
    """The values of `time`: the moment as a clock in the zone shows it, its weekday from 1 (Monday) to 7."""
    shown = at.astimezone(ZoneInfo(timezone))
    return {
        "time.hour": shown.hour,
        "time.minute": shown.minute,
        "time.weekday": shown.isoweekday(),
    }


def _clip(text: str) -> str:
    # Surrogates can't be UTF-8, which CEL's strings are; a host can put them into JSON.
    return text[:_MAX_VALUE].encode("utf-8", "replace").decode()


def _readable(message: str) -> InvalidInput:
    found = _PLACE.search(message)
    if found is None:
        return InvalidInput("the condition is nested too deep", line=1, column=1)
    line, column = (max(1, int(part)) for part in found.groups()[:2])
    return InvalidInput(found[3].removesuffix(" (in container '')"), line=line, column=column)
