"""Reads which standing things explain others; what would hold too much is refused with its place.

Nothing is held by what is not worse, and nothing critical is held, so that rules about incidents can't hold each other.
What is left are circles by way of silent hosts; they are looked for.
"""

from typing import Any, NamedTuple

import yaml

from vedette.core import Explained, Explaining, IncidentKind, Inhibition, Severity
from vedette.decide import document
from vedette.decide.ports import Kinds

__all__ = ["inhibitions"]

_MOST = 50
_MOST_PATTERNS = 20
_LONGEST = 86_400.0
_SILENT = "silent"
_HOST = "host"
_SEVERITIES = [str(one) for one in Severity if one is not Severity.NONE]
_HELD = [one for one in _SEVERITIES if one != Severity.CRITICAL]


class _Placed(NamedTuple):
    rule: Inhibition
    node: yaml.Node


def inhibitions(node: yaml.Node, kinds: Kinds) -> tuple[Inhibition, ...]:
    """The rules as written.

    Raises:
        InvalidInput: the first thing that is wrong, and its line and column.
    """
    placed: dict[str, _Placed] = {}
    for each in document.items(node, "inhibit", most=_MOST):
        rule, name = _rule(each, kinds)
        if rule.name in placed:
            raise document.wrong(name, f"there are two inhibitions named {rule.name!r}")
        placed[rule.name] = _Placed(rule, each)
    _refuse_circles(placed)
    return tuple(one.rule for one in placed.values())


def _rule(node: yaml.Node, kinds: Kinds) -> tuple[Inhibition, yaml.Node]:
    found = document.fields(
        node, "an inhibition", required=("name", "while", "hold"), optional=("equal", "at_most")
    )
    given: dict[str, Any] = {}
    if "equal" in found:
        label = document.named(found["equal"], "equal")
        given["equal"] = "" if label == _HOST else label
    if "at_most" in found:
        given["most_seconds"] = document.seconds(found["at_most"], "at_most", most=_LONGEST)
    rule = Inhibition(
        name=document.named(found["name"], "name"),
        explains=_explaining(found["while"], kinds),
        explained=_explained(found["hold"]),
        **given,
    )
    _check(rule, found["hold"])
    return rule, found["name"]


def _check(rule: Inhibition, hold: yaml.Node) -> None:
    explains, explained = rule.explains, rule.explained
    if explains.severity and not explained.silent:
        if explained.severity.rank >= explains.severity.rank:
            raise document.wrong(
                document.at_path(hold, ["severity"]),
                f"what is held must be less severe than what explains it ({explains.severity}): "
                "else it would inhibit itself",
            )
    elif explains.silent is not None and explained.silent and not (explains.silent and rule.equal):
        raise document.wrong(
            hold,
            "it would inhibit itself: a silent host explains others' silence only with labels of its own in `while`, "
            "and a label in `equal`",
        )


def _explaining(node: yaml.Node, kinds: Kinds) -> Explaining:
    found = document.fields(node, "while", required=(), optional=("incident", "silent", "action"))
    if len(found) != 1:
        raise document.wrong(node, "while must have one of incident, silent, action")
    if "silent" in found:
        return Explaining(silent=_labels(found["silent"]))
    if "action" in found:
        return Explaining(actions=_actions(found["action"], kinds))
    incident = document.fields(
        found["incident"], "incident", required=("severity",), optional=("kind", "cause")
    )
    kind = None
    if "kind" in incident:
        among = (IncidentKind.HOST, IncidentKind.FLEET)
        kind = IncidentKind(document.choice(incident["kind"], "kind", [str(one) for one in among]))
    return Explaining(
        severity=Severity(document.choice(incident["severity"], "severity", _SEVERITIES)),
        kind=kind,
        causes=_causes(incident),
    )


def _explained(node: yaml.Node) -> Explained:
    if isinstance(node, yaml.ScalarNode):
        document.choice(node, "hold (unless it is a mapping with severity)", [_SILENT])
        return Explained(silent=True)
    found = document.fields(node, "hold", required=("severity",), optional=("cause",))
    if document.plain(found["severity"]) == Severity.CRITICAL:
        raise document.wrong(found["severity"], "what is critical is never held")
    return Explained(
        severity=Severity(document.choice(found["severity"], "severity", _HELD)),
        causes=_causes(found),
    )


def _labels(node: yaml.Node) -> dict[str, str]:
    if isinstance(node, yaml.ScalarNode):
        document.choice(node, "silent (unless it is a mapping of labels)", ["any"])
        return {}
    return {
        str(key.value): document.words(value, "a label's value")
        for key, value in document.entries(node, "silent", most=_MOST_PATTERNS)
    }


def _actions(node: yaml.Node, kinds: Kinds) -> tuple[str, ...]:
    known = sorted(name for name, schema in kinds.items() if schema.disruptive)
    return tuple(
        dict.fromkeys(document.choice(one, "action", known) for one in _one_or_more(node, "action"))
    )


def _causes(found: dict[str, yaml.Node]) -> tuple[str, ...]:
    if "cause" not in found:
        return ()
    return tuple(document.text(one, "cause") for one in _one_or_more(found["cause"], "cause"))


def _one_or_more(node: yaml.Node, what: str) -> list[yaml.Node]:
    if isinstance(node, yaml.ScalarNode):
        return [node]
    return document.items(node, what, most=_MOST_PATTERNS)


def _refuse_circles(placed: dict[str, _Placed]) -> None:
    after = {
        name: [other for other, then in placed.items() if _leads(first.rule, then.rule)]
        for name, first in placed.items()
    }
    for name, one in placed.items():
        seen: set[str] = set()
        ahead = list(after[name])
        while ahead:
            other = ahead.pop()
            if other == name:
                raise document.wrong(
                    document.at_path(one.node, ["while"]),
                    f"in a circle with others, {name!r} would hold what explains it, and nobody would be told of either",
                )
            if other not in seen:
                seen.add(other)
                ahead.extend(after[other])


def _leads(first: Inhibition, then: Inhibition) -> bool:
    """Whether what the first holds may be what the second is explained by. A rule never holds a source of its own."""
    if first is then:
        return False
    if first.explained.silent:
        return then.explains.silent is not None
    severity = then.explains.severity
    return severity is not None and severity.rank <= first.explained.severity.rank
