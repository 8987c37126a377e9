"""The on-call document: people, holidays, hours, schedules and chains, loaded as a whole from YAML, or not at all."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

import yaml

from vedette.core import (
    Chain,
    Duty,
    InvalidInput,
    Opening,
    Record,
    Severity,
    Tier,
    TooLarge,
    Within,
    digest,
)
from vedette.decide import document
from vedette.decide.contradictions import Warned
from vedette.decide.oncall.calendar import read_holidays, read_hours, read_schedule
from vedette.decide.oncall.hours import Hours
from vedette.decide.oncall.schedule import Schedule
from vedette.decide.ports import Kinds

__all__ = ["OnCall", "Person"]

T = TypeVar("T")
_MOST_NAMES, _MOST_CHAINS, _MOST_TIERS, _MOST_TOLD = 200, 50, 10, 20
_LONGEST_WAIT, _MOST_TIMES = 86_400.0, 20
_SEVERITIES = [severity.value for severity in Severity if severity is not Severity.NONE]
_EMPTY = "# Nobody is on call yet.\nversion: 1\n"


class Person(Record, frozen=True, kw_only=True):
    """`reach` has the checked parameters of each action that reaches them."""

    name: str
    reach: dict[str, dict[str, Any]]


class OnCall:
    """`version` is the text's digest; `warnings` say what does nothing."""

    def __init__(
        self,
        text: str,
        people: dict[str, Person],
        hours: dict[str, Hours],
        schedules: dict[str, Schedule],
        chains: dict[str, Chain],
        warnings: tuple[Warned, ...],
    ) -> None:
        self.text = text
        self.version = digest(text.encode())
        self.people = people
        self.hours = hours
        self.schedules = schedules
        self.chains = chains
        self.warnings = warnings

    @classmethod
    def parse(cls, text: str, *, kinds: Kinds) -> Self:
        """Loads a document written in YAML. `kinds` are the actions; those that do nothing to a host or on it may tell people.

        Raises:
            InvalidInput: the first thing that is wrong, and its line and column (also as extensions).
        """
        # What reads the document speaks of policies.
        try:
            return cls._read(text, kinds)
        except TooLarge as error:
            told = error.detail.removeprefix("policies")
            raise TooLarge(f"on-call{told}", **error.extensions) from error
        except InvalidInput as error:
            told = error.detail.removeprefix("policies")
            raise InvalidInput(
                f"on-call{told}", kind="invalid-oncall", **error.extensions
            ) from error

    @classmethod
    def empty(cls, *, kinds: Kinds) -> Self:
        """Nobody, and no chains: what is in force until something is applied."""
        return cls.parse(_EMPTY, kinds=kinds)

    @classmethod
    def _read(cls, text: str, kinds: Kinds) -> Self:
        parts = ("people", "holidays", "hours", "schedules", "chains")
        top = document.fields(
            document.compose(text), "the document", required=("version",), optional=parts
        )
        document.whole(top["version"], "version", least=1, most=1)
        people = _all(top, "people", lambda key, node: _person(key, node, kinds))
        holidays = _all(top, "holidays", read_holidays)
        hours = _all(top, "hours", lambda key, node: read_hours(key, node, holidays))
        schedules = _all(top, "schedules", lambda key, node: _schedule(key, node, people, hours))
        reached = _reached(people, schedules)
        chains = _all(top, "chains", lambda key, node: _chain(key, node, hours, reached))
        _check_chains(top, chains)
        return cls(text, people, hours, schedules, chains, _unused(top))

    def on_duty(self, name: str, at: datetime) -> str:
        """The person of this name, or whose turn it is in the schedule of this name; empty: nobody's."""
        schedule = self.schedules.get(name)
        return name if schedule is None else schedule.person(at)

    def duties(self, at: datetime) -> tuple[Duty, ...]:
        """Who is on duty at the moment, by schedule."""
        return tuple(schedule.duty(at) for schedule in self.schedules.values())

    def openings(self, at: datetime) -> tuple[Opening, ...]:
        """Which hours are open at the moment."""
        return tuple(hours.opening(at) for hours in self.hours.values())

    def closed(
        self, within: Within | None, severity: Severity, at: datetime
    ) -> tuple[datetime, str] | None:
        """When people may be told of something of this severity, and in words what that waits for; None: now."""
        if within is None or self.hours[within.hours].open(at):
            return None
        if within.unless is not None and severity.rank >= within.unless.rank:
            return None
        hours = self.hours[within.hours]
        until = hours.next_open(at)
        shown = until.astimezone(ZoneInfo(hours.zone))
        told = f"waits for hours {hours.name}: {shown:%Y-%m-%d %H:%M} {hours.zone}"
        holiday = hours.holiday(at)
        return until, f"{told} (holiday: {holiday})" if holiday else told


def _all(
    top: Mapping[str, yaml.Node], part: str, read: Callable[[yaml.Node, yaml.Node], T]
) -> dict[str, T]:
    most = _MOST_CHAINS if part == "chains" else _MOST_NAMES
    if part not in top:
        return {}
    return {
        key.value: read(key, node) for key, node in document.entries(top[part], part, most=most)
    }


def _person(key: yaml.Node, node: yaml.Node, kinds: Kinds) -> Person:
    telling = sorted(
        name for name, kind in kinds.items() if not kind.disruptive and not kind.on_host
    )
    found = document.fields(node, f"{key.value}", required=("reach",))
    reach = {}
    ways = document.entries(found["reach"], "reach", most=len(telling))
    for way, given in ways:
        name = document.choice(way, "a name in reach", telling)
        parameters = document.plain(given)
        if not isinstance(parameters, dict):
            raise document.wrong(given, f"{name} must be a mapping of names to values")
        try:
            reach[name] = kinds[name].check(parameters, dry_run=False)
        except InvalidInput as error:
            path = error.extensions.get("at", [])
            raise document.wrong(
                document.at_path(given, path), f"{name}: {error.detail}"
            ) from error
    return Person(name=key.value, reach=reach)


def _schedule(
    key: yaml.Node, node: yaml.Node, people: Mapping[str, Person], hours: Mapping[str, Hours]
) -> Schedule:
    if key.value in people:
        raise document.wrong(key, f"{key.value!r} is a person's name; tiers could mean either")
    return read_schedule(key, node, people, hours)


def _reached(
    people: Mapping[str, Person], schedules: Mapping[str, Schedule]
) -> dict[str, tuple[Person, ...]]:
    """Whom each name may stand for."""
    found: dict[str, tuple[Person, ...]] = {name: (person,) for name, person in people.items()}
    for name, schedule in schedules.items():
        names = dict.fromkeys(one for turn in schedule.rotations for one in turn.people)
        names |= dict.fromkeys(override.person for override in schedule.overrides)
        found[name] = tuple(people[one] for one in names)
    return found


def _chain(
    key: yaml.Node,
    node: yaml.Node,
    hours: Mapping[str, Hours],
    reached: Mapping[str, tuple[Person, ...]],
) -> Chain:
    found = document.fields(
        node, f"chain {key.value}", required=("tiers",), optional=("within", "then")
    )
    tiers = document.items(found["tiers"], "tiers", most=_MOST_TIERS)
    return Chain(
        name=key.value,
        tiers=tuple(_tier(one, hours, reached) for one in tiers),
        within=_within(found["within"], hours) if "within" in found else None,
        then=document.named(found["then"], "then") if "then" in found else "",
    )


def _tier(
    node: yaml.Node, hours: Mapping[str, Hours], reached: Mapping[str, tuple[Person, ...]]
) -> Tier:
    found = document.fields(
        node, "a tier", required=("tell", "by", "wait"), optional=("times", "within")
    )
    tell = document.items(found["tell"], "tell", most=_MOST_TOLD)
    by = document.items(found["by"], "by", most=_MOST_TOLD)
    names = [document.choice(one, "an entry of tell", sorted(reached)) for one in tell]
    ways = dict.fromkeys(document.text(one, "an entry of by") for one in by)
    for one, name in zip(tell, names, strict=True):
        for person in reached[name]:
            for way in ways:
                if way not in person.reach:
                    raise document.wrong(one, f"{person.name} has no {way} under reach")
    return Tier(
        tell=tuple(dict.fromkeys(names)),
        by=tuple(ways),
        wait_seconds=document.seconds(found["wait"], "wait", most=_LONGEST_WAIT),
        times=(
            document.whole(found["times"], "times", least=1, most=_MOST_TIMES)
            if "times" in found
            else 1
        ),
        within=_within(found["within"], hours) if "within" in found else None,
    )


def _unused(top: Mapping[str, yaml.Node]) -> tuple[Warned, ...]:
    """The lists of holidays that no hours name."""
    if "holidays" not in top:
        return ()
    every = top["hours"].value if "hours" in top else ()
    used = {
        value.value for _, hours in every for name, value in hours.value if name.value == "holidays"
    }
    return tuple(
        Warned(
            document="on-call",
            line=key.start_mark.line + 1,
            column=key.start_mark.column + 1,
            text=f"no hours have holidays {key.value}",
        )
        for key, _ in top["holidays"].value
        if key.value not in used
    )


def _within(node: yaml.Node, hours: Mapping[str, Hours]) -> Within:
    found = document.fields(node, "within", required=("hours",), optional=("unless",))
    unless = document.choice(found["unless"], "unless", _SEVERITIES) if "unless" in found else None
    return Within(
        hours=document.choice(found["hours"], "hours", sorted(hours)),
        unless=None if unless is None else Severity(unless),
    )


def _check_chains(top: Mapping[str, yaml.Node], chains: Mapping[str, Chain]) -> None:
    """That each names one that there is, and none comes round to itself."""
    for name, chain in chains.items():
        if not chain.then:
            continue
        place = document.at_path(top["chains"], [name, "then"])
        if chain.then not in chains:
            raise document.wrong(place, f"there is no chain {chain.then!r}")
        way = [name]
        while way[-1] in chains and (following := chains[way[-1]].then):
            way.append(following)
            if following == name:
                told = " → ".join(way)
                raise document.wrong(place, f"the chain comes round to itself: {told}")
            if len(way) > len(chains):
                break
