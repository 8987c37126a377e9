"""The `when` of a policy: CEL over the verdict, its incident, its host and the fleet, type-checked before it may run.

Every variable is declared flat under its dotted name with its type, so a misspelt field or a comparison of unlike
types is an error at load, with its place. Cost is bounded at load: by MAX_LENGTH here, by the library's parser (nesting of 32), by what the
syntax tree can cost at most (see `cost`), and by clipping what a host can make long or many. The library holds the interpreter's lock while
it evaluates, so what costs more would stop all else in the process.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from cel_expr_python import cel  # type: ignore[import-untyped]  # ships a stub but no py.typed

from vedette.core import Host, Incident, InvalidInput, Verdict
from vedette.decide.cost import SCALAR, Shape, bounded, wrong
from vedette.decide.incidents import MAX_CAUSES
from vedette.decide.situation import FleetNow
from vedette.decide.syntax import Node, parsed

__all__ = [
    "MAX_LENGTH",
    "STANDING_VARIABLES",
    "VARIABLES",
    "Condition",
    "bind",
    "bind_host",
    "bind_time",
]

MAX_LENGTH = 1_000
_MAX_VALUE = 256
_MAX_MANY = 50

_TEXTS = cel.Type.List(cel.Type.STRING)
_SCORES = cel.Type.Map(cel.Type.STRING, cel.Type.DOUBLE)
_LABELS = cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
_OF_INCIDENT: dict[str, Any] = {
    "verdict.label": cel.Type.STRING,
    "verdict.score": cel.Type.DOUBLE,
    "verdict.severity": cel.Type.STRING,
    "verdict.late": cel.Type.BOOL,
    "verdict.seq": cel.Type.INT,
    "verdict.taken_at": cel.Type.TIMESTAMP,
    "verdict.subjects": _TEXTS,
    "verdict.attack": _TEXTS,
    "verdict.experts": _SCORES,
    "verdict.model": cel.Type.STRING,
    "incident.state": cel.Type.STRING,
    "incident.severity": cel.Type.STRING,
    "incident.title": cel.Type.STRING,
    "incident.causes": _TEXTS,
    "incident.attack": _TEXTS,
    "incident.verdicts": cel.Type.INT,
    "incident.returns": cel.Type.INT,
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
    "host.labels": _LABELS,
}
VARIABLES: dict[str, Any] = {
    "trigger": cel.Type.STRING,
    **_OF_INCIDENT,
    **STANDING_VARIABLES,
}
_ENVIRONMENT = cel.NewEnv(variables=VARIABLES)
_STANDING = cel.NewEnv(variables=STANDING_VARIABLES)
# What a variable can hold at most, as `bind` clips it; a letter is up to four bytes.
_TEXT = Shape(4 * _MAX_VALUE)
_SHAPES = {
    name: _TEXT
    if of == cel.Type.STRING
    else Shape(MAX_CAUSES if name == "incident.causes" else _MAX_MANY, _TEXT)
    if of in (_TEXTS, _SCORES, _LABELS)
    else SCALAR
    for name, of in VARIABLES.items()
}
# What takes a text's meaning from it: tried at load where the text is a constant.
_GIVEN = cel.NewEnv(variables={"given": cel.Type.STRING})
_MEANT = {
    name: _GIVEN.compile(f"{name}(given)" if name != "matches" else '"".matches(given)')
    for name in ("bool", "double", "duration", "int", "matches", "timestamp", "uint")
}
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")


class Condition:
    """A compiled expression: over an incident, or (`standing`) over a host alone, of which no snapshot tells anything.

    Raises:
        InvalidInput: it can't be parsed or typed, gives no bool, or may cost too much. The extensions `line` and
            `column` count from 1 within the expression.

    `cost` is the most that one evaluation takes, in the steps of `cost`.
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
        self.cost, texts = bounded(parsed(self._expression.serialize(), text), _SHAPES)
        for call in texts:
            _try(call)

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
        "verdict.subjects": _some(reason.subject for reason in verdict.reasons),
        "verdict.attack": _some(reason.attack for reason in verdict.reasons if reason.attack),
        "verdict.experts": {
            name: float(score) for name, score in sorted(verdict.experts.items())[:_MAX_MANY]
        },
        "verdict.model": _clip(verdict.model),
        "incident.state": incident.state.value,
        "incident.severity": incident.severity.value,
        "incident.title": _clip(incident.title),
        "incident.causes": _some(incident.causes[:MAX_CAUSES]),
        "incident.attack": _some(reason.attack for reason in incident.reasons if reason.attack),
        "incident.verdicts": incident.verdicts,
        "incident.returns": incident.returns,
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
            _clip(name): _clip(value) for name, value in sorted(host.labels.items())[:_MAX_MANY]
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


def _some(texts: Iterable[str]) -> list[str]:
    return [_clip(text) for text in islice(texts, _MAX_MANY)]


def _clip(text: str) -> str:
    # Surrogates can't be UTF-8, which CEL's strings are; a host can put them into JSON.
    return text[:_MAX_VALUE].encode("utf-8", "replace").decode()


def _try(call: Node) -> None:
    """Lets the very engine read what a call is given as a constant: a pattern, a time, a number."""
    meant = _MEANT.get(call.name)
    if meant is None:
        return
    given = call.parts[call.name == "matches"]
    value = meant.eval(data={"given": given.value})
    if value.type() == cel.Type.ERROR:
        raise wrong(str(value.plain_value()).removeprefix("INVALID_ARGUMENT: "), given.place)


def _readable(message: str) -> InvalidInput:
    found = _PLACE.search(message)
    if found is None:
        return InvalidInput("the condition is nested too deep", line=1, column=1)
    line, column = (max(1, int(part)) for part in found.groups()[:2])
    return InvalidInput(found[3].removesuffix(" (in container '')"), line=line, column=column)
