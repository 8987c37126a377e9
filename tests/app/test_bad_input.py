"""Policies that can't be: each a clear error that names the place, and nothing of them is put in force."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.migrated import migrated
from tests.store.make import START, TENANT, enrol

from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.core import Conflict, HostId, InvalidInput, ManualClock, VedetteError
from vedette.store import Store

GOOD = """\
version: 1
policies:
  - name: cut
    when: 'incident.severity == "high"'
    then: [{action: quarantine, with: {lease: 30m, allow: ["10.0.0.0/8"]}}]
    mode: approve
    within: {protected: {role: [db]}}
"""
OTHER = """\
  - name: other
    when: 'incident.severity == "high"'
    then: [{action: quarantine, with: {lease: 60m}}]
    mode: approve
    within: {protected: {role: [db]}}
"""
WALK = "incident.causes.all(a, incident.causes.all(b, incident.causes.all(c, incident.causes.all(d, a == d))))"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(migrated(tmp_path / "store.sqlite"), ManualClock(START))
    yield made
    made.close()


@pytest.fixture
def book(store: Store) -> PolicyBook:
    return PolicyBook(Settings(), store, ManualClock(START))


def change(was: str, now: str) -> str:
    assert was in GOOD
    return GOOD.replace(was, now, 1)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        (change("mode: approve", "mood: approve"), 6, 5, "a policy has no 'mood'"),
        (change("lease: 30m", "leash: 30m"), 5, 47, "there is no parameter 'leash'"),
        (change('severity == "high"', "severity == 3"), 4, 30, "no matching overload"),
        (change('incident.severity == "high"', "incident.gravity == 1"), 4, 20, "undeclared"),
        (change('incident.severity == "high"', WALK), 4, 100, "may walk lists 3 times"),
        (change('severity == "high"', f'severity == "{"x" * 1_000}"'), 4, 12, "1000 characters"),
        (change('"10.0.0.0/8"', '"0.0.0.0/0"'), 5, 60, "too wide to be an exception"),
        (change('"10.0.0.0/8"', '"the server"'), 5, 60, "is no network"),
        (change("lease: 30m", "lease: 2d"), 5, 47, "lease must be from 1 to 1440 minutes"),
        (change("lease: 30m", "lease: 30m, at_most: 31d"), 5, 61, "at_most must be from"),
        (GOOD + OTHER, 10, 12, "with other parameters than policy cut, at line 3, column 5"),
        (GOOD + OTHER.replace("other", "cut"), 8, 11, "two policies named 'cut'"),
        (
            change('severity == "high"', 'severity == "high" && host.role == "db"'),
            4,
            11,
            "never act",
        ),
    ],
)
def test_what_can_not_be_names_its_place_and_changes_nothing(
    book: PolicyBook, store: Store, text: str, line: int, column: int, words: str
) -> None:
    book.apply(TENANT, GOOD, actor="user:ada", reason="first")
    before = book.current(TENANT)
    with pytest.raises(InvalidInput) as applied:
        book.apply(TENANT, text, actor="user:ada", reason="then")
    with pytest.raises(InvalidInput) as checked:
        book.check(TENANT, text)
    for caught in (applied.value, checked.value):
        assert words in caught.detail
        place = (caught.extensions["line"], caught.extensions["column"])
        assert place == (line, column), caught.detail
    assert book.current(TENANT) == before
    assert len(store.policies.list(TENANT).items) == 1


def test_a_check_says_which_hosts_only_observe_and_puts_nothing_in_force(
    book: PolicyBook, store: Store
) -> None:
    before = book.current(TENANT)
    for number in range(12):
        enrol(store, host=HostId(f"host-{number}"), can_act=("quarantine",) if number == 5 else ())
    found = book.check(TENANT, GOOD + OTHER.replace('"high"', '"low"').replace("60m", "30m"))
    (reach,) = found.warnings
    assert reach.startswith(
        "quarantine (policy cut, other) can't reach 11 of 12 hosts, whose allow-lists lack it: name-of-host-0, "
    )
    assert reach.endswith(" and 1 more")
    assert book.current(TENANT) == before
    done = book.apply(TENANT, GOOD, actor="user:ada", reason="all the same")
    assert len(done.warnings) == 1
    mail = "version: 1\npolicies:\n  - {name: a, then: [{action: mail, with: {to: ['@owner']}}], mode: auto}\n"
    assert book.check(TENANT, mail).warnings == ()


@pytest.mark.parametrize(
    ("kind", "parameters", "labels", "error", "words"),
    [
        ("fly", {}, {}, InvalidInput, "there is no action 'fly'"),
        ("quarantine", {"lease": "2d"}, {}, InvalidInput, "lease must be from 1 to 1440 minutes"),
        (
            "quarantine",
            {"lease": "30m", "allow": ["1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8"]},
            {},
            InvalidInput,
            "together the exceptions cover 3 times a /8",
        ),
        ("quarantine", {"lease": "30m"}, {"role": "db"}, Conflict, "policy cut protects hosts"),
        ("kill_process", {"process": "@cause"}, {}, InvalidInput, "only a policy proposes it"),
    ],
)
def test_what_people_can_not_propose_is_said_before_anything_is_written(
    book: PolicyBook,
    store: Store,
    kind: str,
    parameters: dict[str, Any],
    labels: dict[str, str],
    error: type[VedetteError],
    words: str,
) -> None:
    book.apply(TENANT, GOOD, actor="user:ada", reason="first")
    host = enrol(store, labels=labels)
    with pytest.raises(error, match=words):
        book.draft(host, kind, parameters, dry_run=False)


def test_a_draft_is_what_a_policy_would_propose(book: PolicyBook, store: Store) -> None:
    book.apply(TENANT, GOOD, actor="user:ada", reason="first")
    draft = book.draft(enrol(store), "quarantine", {"lease": "30m"}, dry_run=False)
    assert (draft.disruptive, draft.lease_seconds, draft.most_seconds) == (True, 1_800, 86_400)
    assert draft.parameters["allow"] == []
