"""Rules of what explains what: as written, what is refused with its place, and what they are about."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.make import HOST, SILENT, START, TENANT, policies

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Explained,
    Explaining,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Inhibition,
    InvalidInput,
    Mode,
    Severity,
)
from vedette.decide import PolicySet
from vedette.respond import schemas


def read(*rules: str) -> tuple[Inhibition, ...]:
    return policies(SILENT + "inhibit:\n" + "".join(f"  - {rule}\n" for rule in rules)).inhibitions


def rule(name: str, explains: str, hold: str = "silent", more: str = "") -> str:
    return f"{{name: {name}, while: {explains}, hold: {hold}{more}}}"


LABELLED = "{silent: {role: switch}}"
ILL = "{incident: {severity: high}}"
RACK = ", equal: rack"


def news(
    severity: Severity | None = Severity.LOW, **more: object
) -> tuple[Action, Incident | None]:
    incident = severity and Incident(
        id=IncidentId("i"),
        tenant=TENANT,
        host=HOST,
        hostname="web-1",
        state=IncidentState.OPEN,
        title="",
        severity=severity,
        causes=("net:eth0", "net:eth1"),
        reasons=(),
        opened_at=START,
        first_verdict=None,
        last_abnormal_at=START,
    )
    given: dict[str, object] = {
        "id": ActionId("a"),
        "tenant": TENANT,
        "incident": incident.id if incident else None,
        "host": HOST,
        "policy": "tell",
        "policy_version": "v",
        "kind": "mail",
        "mode": Mode.AUTO,
        "dry_run": False,
        "state": ActionState.PROPOSED,
        "trigger": "opened" if incident else "silent",
        "proposed_at": START,
        "expires_at": START + timedelta(days=7),
        "updated_at": START,
    }
    return Action(**(given | more)), incident or None  # type: ignore[arg-type]


def test_rules_are_read_as_written() -> None:
    assert read(
        rule("switch", LABELLED, more=", equal: rack, at_most: 30m"),
        rule("cut", "{action: [quarantine, quarantine]}", "{severity: medium, cause: 'net:*'}"),
        rule(
            "worse", "{incident: {severity: high, kind: fleet, cause: [a, b]}}", "{severity: low}"
        ),
        rule("off", "{action: reboot}", more=", equal: host"),
        rule("mute", "{silent: any}", "{severity: low}"),
    ) == (
        Inhibition(
            name="switch",
            explains=Explaining(silent={"role": "switch"}),
            explained=Explained(silent=True),
            equal="rack",
            most_seconds=1_800.0,
        ),
        Inhibition(
            name="cut",
            explains=Explaining(actions=("quarantine",)),
            explained=Explained(severity=Severity.MEDIUM, causes=("net:*",)),
        ),
        Inhibition(
            name="worse",
            explains=Explaining(severity=Severity.HIGH, kind=IncidentKind.FLEET, causes=("a", "b")),
            explained=Explained(severity=Severity.LOW),
        ),
        Inhibition(
            name="off",
            explains=Explaining(actions=("reboot",)),
            explained=Explained(silent=True),
        ),
        Inhibition(
            name="mute",
            explains=Explaining(silent={}),
            explained=Explained(severity=Severity.LOW),
        ),
    )


def test_the_shipped_ones_hold_only_the_silence_that_vedette_made_itself() -> None:
    shipped = PolicySet.default(kinds=schemas()).inhibitions
    assert [one.name for one in shipped] == ["shut-down-by-us", "rebooted-by-us"]
    for one in shipped:
        assert one.explains.actions
        assert one.explained == Explained(silent=True)
        assert one.equal == ""


@pytest.mark.parametrize(
    ("rules", "line", "column", "words"),
    [
        ((rule("a", "{}"),), 6, 22, "one of incident, silent, action"),
        ((rule("a", "{silent: any, action: reboot}"),), 6, 22, "one of incident, silent, action"),
        ((rule("a", "{action: mail}"),), 6, 31, "must be one of"),
        ((rule("a", "{incident: {kind: fleet}}"),), 6, 33, "needs 'severity'"),
        ((rule("a", "{incident: {severity: high, kind: breaker}}"),), 6, 56, "host, fleet"),
        ((rule("a", "{silent: some}"),), 6, 31, "must be one of any"),
        ((rule("a", ILL, "quiet"),), 6, 58, "must be one of silent"),
        ((rule("a", ILL, "{severity: critical}"),), 6, 69, "critical is never held"),
        ((rule("a", ILL, "{severity: none}"),), 6, 69, "must be one of low"),
        ((rule("a", ILL, "{severity: high}"),), 6, 69, "would inhibit itself"),
        ((rule("a", "{silent: any}", more=RACK),), 6, 43, "would inhibit itself"),
        ((rule("a", LABELLED),), 6, 54, "would inhibit itself"),
        ((rule("a", ILL, more=", at_most: 2d"),), 6, 75, "at most 1 days"),
        ((rule("a", ILL, more=", until: 2d"),), 6, 66, "has no 'until'"),
        ((rule("a", ILL), rule("a", ILL)), 7, 12, "two inhibitions named 'a'"),
        (
            (rule("a", LABELLED, more=RACK), rule("b", LABELLED, more=RACK)),
            6,
            22,
            "in a circle with others, 'a'",
        ),
        (
            (
                rule("a", "{action: reboot}", "{severity: high}"),
                rule("b", ILL),
                rule("c", "{silent: any}", "{severity: high}"),
            ),
            7,
            22,
            "in a circle with others, 'b'",
        ),
    ],
)
def test_what_would_hold_too_much_is_refused_with_its_place(
    rules: tuple[str, ...], line: int, column: int, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        read(*rules)
    assert (caught.value.extensions["line"], caught.value.extensions["column"]) == (line, column)


def test_rules_in_a_row_are_no_circle() -> None:
    low = "{severity: low}"
    assert len(read(rule("a", ILL, "{severity: medium}"), rule("b", "{silent: any}", low))) == 2
    held = "{incident: {severity: medium}}"
    assert len(read(rule("a", ILL, "{severity: medium}"), rule("b", held, low))) == 2
    assert len(read(rule("a", LABELLED, more=RACK), rule("b", "{silent: any}", low))) == 2


@pytest.mark.parametrize(
    ("explained", "told", "held"),
    [
        (Explained(silent=True), news(None), True),
        (Explained(silent=True), news(None, trigger="heard"), False),
        (Explained(silent=True), news(None, host=None), False),
        (Explained(silent=True), news(), False),
        (Explained(severity=Severity.LOW), news(), True),
        (Explained(severity=Severity.LOW), news(None), False),
        (Explained(severity=Severity.LOW), news(Severity.MEDIUM), False),
        (Explained(severity=Severity.LOW), news(trigger="escalated"), False),
        (Explained(severity=Severity.LOW), news(proposed_by="user:ada"), False),
        (Explained(severity=Severity.LOW), news(disruptive=True), False),
        (Explained(severity=Severity.LOW, causes=("net:*",)), news(), True),
        (Explained(severity=Severity.LOW, causes=("net:eth0",)), news(), False),
    ],
)
def test_what_a_rule_holds(
    explained: Explained, told: tuple[Action, Incident | None], held: bool
) -> None:
    assert explained.meets(*told) is held


@pytest.mark.parametrize(
    ("explains", "stands"),
    [
        (Explaining(severity=Severity.MEDIUM), True),
        (Explaining(severity=Severity.HIGH), False),
        (Explaining(severity=Severity.LOW, kind=IncidentKind.FLEET), False),
        (Explaining(severity=Severity.LOW, causes=("disk:*", "net:eth1")), True),
        (Explaining(severity=Severity.LOW, causes=("disk:*",)), False),
        (Explaining(silent={}), False),
    ],
)
def test_what_explains(explains: Explaining, stands: bool) -> None:
    _, incident = news(Severity.MEDIUM)
    assert incident is not None
    assert explains.meets(incident) is stands


@given(most=st.floats(1, 86_400), life=st.floats(1, 7 * 86_400))
def test_nothing_is_held_until_it_may_not_be_told_any_more(most: float, life: float) -> None:
    told, _ = news(None, expires_at=START + timedelta(seconds=life))
    one = Inhibition(
        name="a", explains=Explaining(silent={}), explained=Explained(), most_seconds=most
    )
    assert told.proposed_at <= one.until(told) < told.expires_at
    assert one.until(told) <= START + timedelta(seconds=most)
