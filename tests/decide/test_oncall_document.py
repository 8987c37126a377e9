"""What is wrong in an on-call document is named with its line and column."""

from textwrap import dedent

import pytest
from tests.decide.make import policies
from tests.decide.oncall import HOLIDAYS, TEXT, oncall

from vedette.core import InvalidInput, TooLarge
from vedette.decide import OnCall, PolicySet
from vedette.respond import schemas

PEOPLE = """\
version: 1
people:
  ana: {reach: {mail: {to: [ana@example.com]}}}
  ben: {reach: {}}
"""


def _place(text: str, needle: str) -> tuple[int, int]:
    before = text[: text.index(needle)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _whole(part: str) -> str:
    people = PEOPLE.replace("  ben: {reach: {}}\n", "")
    return people + dedent(part)


def _off(days: str) -> str:
    return f"version: 1\nholidays: {{x: {{{days}}}}}"


@pytest.mark.parametrize(
    ("text", "place", "detail"),
    [
        ("", (1, 1), "nothing is written here"),
        ("version: 2", (1, 10), "version must be"),
        ("version: 1\nteams: {}", (2, 1), "has no 'teams'"),
        (PEOPLE, (4, 16), "reach must have 1 to"),
        ("version: 1\npeople: {a b: {}}", (2, 10), "a name in people must be letters"),
        ("version: 1\npeople: {a: {}}", (2, 13), "needs 'reach'"),
        ("version: 1\npeople: {a: {reach: {pigeon: {}}}}", (2, 22), "must be one of"),
        ("version: 1\npeople: {a: {reach: {quarantine: {}}}}", (2, 22), "must be one of"),
        ("version: 1\npeople: {a: {reach: {mail: 1}}}", (2, 28), "must be a mapping"),
        ("version: 1\npeople: {a: {reach: {mail: {to: [x]}}}}", (2, 34), "neither a mail address"),
        (
            _whole("schedules:\n  ana: {}"),
            (5, 3),
            "is a person's name",
        ),
        (
            _whole("schedules:\n  s: {zone: Mars/Base, rotations: []}"),
            (5, 13),
            "is no time zone",
        ),
        (_whole("schedules:\n  s: {zone: Europe, rotations: []}"), (5, 13), "is no time zone"),
        (_whole("schedules:\n  s: {zone: ../x, rotations: []}"), (5, 13), "is no time zone"),
        (_whole("schedules:\n  s: {zone: UTC, rotations: []}"), (5, 29), "1 to 10 entries"),
        (
            _whole(
                "schedules:\n  s: {zone: UTC, rotations: [{people: [], every: day, at: 09:00, from: 2026-01-05}]}"
            ),
            (5, 39),
            "people must have 1 to 50 entries",
        ),
        (
            _whole(
                "schedules:\n  s: {zone: UTC, rotations: [{people: [eve], every: day, at: 09:00, from: 2026-01-05}]}"
            ),
            (5, 40),
            "an entry of people must be one of ana",
        ),
        (
            _whole(
                "schedules:\n  s: {zone: UTC, rotations: [{people: [ana], every: moon, at: 09:00, from: 2026-01-05}]}"
            ),
            (5, 53),
            "every must be day, week",
        ),
        (
            _whole(
                "schedules:\n  s: {zone: UTC, rotations: [{people: [ana], every: day, at: 24:00, from: 2026-01-05}]}"
            ),
            (5, 62),
            "at must be from 00:00",
        ),
        (
            _whole(
                "schedules:\n  s: {zone: UTC, rotations: [{people: [ana], every: day, at: [9], from: 2026-01-05}]}"
            ),
            (5, 62),
            "at must be text",
        ),
        (
            _whole(
                "schedules:\n  s: {zone: UTC, rotations: [{people: [ana], every: day, at: 09:00, from: 05.01.26}]}"
            ),
            (5, 75),
            "from must be a date",
        ),
        (
            _whole(
                "schedules:\n  s: {zone: UTC, rotations: [{people: [ana], every: day, at: 09:00, from: 0001-01-01}]}"
            ),
            (5, 75),
            "years 1970 to 2200",
        ),
        ("version: 1\nhours: {h: {zone: UTC, from: 9, until: 10:00}}", (2, 30), "a time of day"),
        ("version: 1\nhours: {h: {zone: UTC, from: 24:00, until: 10:00}}", (2, 30), "00:00 to"),
        ("version: 1\nhours: {h: {zone: UTC, from: 10:00, until: 10:00}}", (2, 44), "another time"),
        (
            "version: 1\nhours: {h: {zone: UTC, from: 10:00, until: 24:00, days: [x]}}",
            (2, 58),
            "must be one of mon",
        ),
        # What reads a host's evidence tells nobody.
        (
            "version: 1\npeople: {ana: {reach: {collect: {tables: [users]}}}}",
            (2, 24),
            "a name in reach must be one of chat, mail, page, webhook",
        ),
        ("version: 1\nholidays: {}", (2, 11), "holidays must have 1 to 200 entries"),
        ("version: 1\nholidays: {x: {}}", (2, 15), "holidays x must have 1 to 100 entries"),
        ("version: 1\nholidays: {x: [2026-12-25]}", (2, 15), "holidays x must be a mapping"),
        (_off("2026-02-29: "), (2, 16), "a name in holidays x must be a date such as 2026-12-25"),
        (_off("02-30: "), (2, 16), "must be a date"),
        (_off("25/12: "), (2, 16), "must be a date"),
        (_off("20261225: "), (2, 16), "must be a date"),
        (_off("2026-W53-5: "), (2, 16), "must be a date"),
        (_off("0000-12-25: "), (2, 16), "must be a date"),
        (_off("1969-12-25: "), (2, 16), "years 1970 to 2200"),
        (_off("12-25: , 12-25: Christmas"), (2, 25), "'12-25' is given twice"),
        (_off("2026-12-25: , 12-25: "), (2, 16), "12-25 is a holiday of each year already"),
        (_off("12-25: [Christmas]"), (2, 23), "a holiday's name must be text of 100"),
        (_off("12-25: " + 101 * "x"), (2, 23), "a holiday's name must be text of 100"),
        (
            _off(", ".join(f"20{year:02}-01-01: " for year in range(101))),
            (2, 15),
            "1 to 100 entries, not 101",
        ),
        (
            HOLIDAYS.replace("holidays: ours", "holidays: theirs"),
            "theirs",
            "holidays must be one of ours",
        ),
        (HOLIDAYS.replace("18:00, holidays", "18:00, feasts"), "feasts", "has no 'feasts'"),
        (
            TEXT.replace("until: 2026-03-10T18:00", "until: 2026-03-10T12:00"),
            "2026-03-10T12:00}",
            "later",
        ),
        (TEXT.replace("until: 2026-03-10T18:00", "until: soon"), "soon", "such as 2026"),
        (TEXT.replace("then: managers", "then: nobody"), "nobody", "there is no chain 'nobody'"),
        (TEXT.replace("[primary]", "[nobody]"), "nobody", "an entry of tell must be one of"),
        (TEXT.replace("wait: 15m", "wait: 9d"), "9d", "wait must be above 0"),
        (
            TEXT.replace("times: 2", "times: 0"),
            "0}\n      - {tell: [daytime, eva",
            "times must be a whole number",
        ),
        (TEXT.replace("unless: critical", "unless: none"), "none", "unless must be one of"),
        (TEXT.replace("{hours: office, unless", "{hours: dusk, unless"), "dusk", "hours must be"),
        (
            TEXT.replace("tell: [eva], by: [mail]", "tell: [eva], by: [page]"),
            "eva], by: [page",
            "eva has no page",
        ),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(
    text: str, place: tuple[int, int] | str, detail: str
) -> None:
    with pytest.raises(InvalidInput, match=detail) as caught:
        oncall(text)
    error = caught.value
    place = _place(text, place) if isinstance(place, str) else place
    assert error.detail.startswith("on-call")
    assert error.kind == "invalid-oncall"
    assert (error.extensions["line"], error.extensions["column"]) == place, error.detail


@pytest.mark.parametrize(
    ("chains", "at", "way"),
    [
        ({"a": "a"}, "a", "a → a"),
        ({"a": "b", "b": "a"}, "a", "a → b → a"),
        ({"a": "b", "b": "c", "c": "b"}, "b", "b → c → b"),
    ],
)
def test_chains_that_come_round_are_refused(chains: dict[str, str], at: str, way: str) -> None:
    tier = "tiers: [{tell: [ana], by: [mail], wait: 5m}]"
    lines = [f"  {name}: {{{tier}, then: {then}}}" for name, then in chains.items()]
    text = _whole("chains:\n" + "\n".join(lines))
    with pytest.raises(InvalidInput, match=f"comes round to itself: {way}") as caught:
        oncall(text)
    line = _place(text, f"  {at}: ")[0]
    column = text.split("\n")[line - 1].index("then: ") + len("then: ") + 1
    assert (caught.value.extensions["line"], caught.value.extensions["column"]) == (line, column)


def test_a_document_that_is_too_large_says_so_of_itself() -> None:
    with pytest.raises(TooLarge, match="on-call may have"):
        oncall("#" * 70_000)


def test_until_something_is_applied_nobody_is_on_call() -> None:
    empty = OnCall.empty(kinds=schemas())
    assert (empty.people, empty.schedules, empty.chains) == ({}, {}, {})


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (TEXT, []),
        (HOLIDAYS, []),
        (_off("12-25: Christmas"), ["on-call, line 2, column 12: no hours have holidays x"]),
        (
            HOLIDAYS.replace("  ours:", "  theirs: {02-29: }\n  ours:"),
            ["on-call, line 8, column 3: no hours have holidays theirs"],
        ),
    ],
)
def test_holidays_that_no_hours_have_are_warned_of(text: str, warnings: list[str]) -> None:
    assert [str(one) for one in oncall(text).warnings] == warnings


def test_a_rotation_may_be_of_several_days_or_weeks() -> None:
    text = TEXT.replace("every: week", "every: 2 weeks")
    assert oncall(text).schedules["primary"].rotations[0].days == 14


def test_a_stand_in_may_be_written_with_an_offset() -> None:
    text = TEXT.replace("2026-03-10T18:00", "2026-03-10T18:00+00:00")
    assert oncall(text).schedules["primary"].overrides[0].ends.hour == 18


CHAINED = """
version: 1
policies:
  - {name: wake, mode: auto, then: [{escalate: ops}]}
"""


def test_a_policy_starts_a_chain_that_there_is() -> None:
    found = PolicySet.parse(CHAINED, kinds=schemas(), chains=("ops",))
    assert found.chains == {"ops"}
    assert policies(CHAINED).chains == {"ops"}
    assert found.policies[0].then[0].parameters == {"chain": "ops"}


@pytest.mark.parametrize(
    ("text", "place", "detail"),
    [
        (CHAINED, "ops", "there is no chain 'ops' in the on-call document"),
        (CHAINED.replace("ops}", "ops, with: {}}"), "with", "an escalation has no 'with'"),
        (CHAINED.replace("escalate: ops", "escalate: [ops]"), "[ops]", "escalate must be letters"),
        (
            CHAINED.replace("mode: auto", "mode: auto, on: [silent]"),
            "{escalate",
            "there is no incident to acknowledge on silent",
        ),
    ],
)
def test_a_policy_that_starts_what_is_not_there_is_refused_with_its_place(
    text: str, place: str, detail: str
) -> None:
    chains = ("ops",) if "silent" in text else ()
    with pytest.raises(InvalidInput, match=detail) as caught:
        PolicySet.parse(text, kinds=schemas(), chains=chains)
    error = caught.value
    found = (error.extensions["line"], error.extensions["column"])
    assert found == _place(text, place), error.detail


def test_an_escalation_may_be_tried_dry() -> None:
    text = CHAINED.replace("escalate: ops", "escalate: ops, dry_run: true")
    assert policies(text).policies[0].then[0].dry_run


def test_a_breakers_incident_starts_a_chain_and_asks_of_no_host() -> None:
    tripped = CHAINED.replace("mode: auto", "mode: auto, on: [tripped]")
    assert policies(tripped).policies[0].on == ("tripped",)
    for more, detail in (
        ("when: 'true'", "there is no host to ask of"),
        ("on: [tripped, opened]", "can't stand beside"),
        ("on: [tripped, silent]", "can't stand beside"),
    ):
        text = tripped.replace("on: [tripped]", "").replace(
            "mode: auto, ", f"mode: auto, {more if 'on:' in more else more + ', on: [tripped]'}"
        )
        with pytest.raises(InvalidInput, match=detail):
            policies(text)
    harm = tripped.replace("escalate: ops", "action: quarantine, with: {lease: 5m}")
    with pytest.raises(InvalidInput, match="there is no host to do it to"):
        policies(harm)
