"""The list of incidents narrowed, over the API and on its page."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.fixtures.history import TENANT, History

from vedette.store import Role

SignIn = Callable[[Role], Browser]
Bearer = Callable[[Role], dict[str, str]]


def _ids(client: TestClient[Litestar], headers: dict[str, str], **wanted: str) -> list[str]:
    answer = client.get(f"/v1/incidents?{urlencode(wanted)}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


def test_the_api_narrows_by_whose_cause_label_and_time(
    client: TestClient[Litestar], bearer: Bearer, history: History
) -> None:
    mine = bearer(Role.RESPONDER)
    every = _ids(client, mine)
    store, ours = history.store, str(history.incident)
    client.post(f"/v1/incidents/{ours}/assign", json={"to": "api-responder"}, headers=mine)
    assert _ids(client, mine, assigned="me") == [ours]
    assert _ids(client, mine, assigned="api-responder") == [ours]
    assert _ids(client, mine, assigned="user:api-responder") == [ours]
    assert sorted([ours, *_ids(client, mine, assigned="nobody")]) == sorted(every)
    assert _ids(client, bearer(Role.VIEWER), assigned="me") == []
    incident = store.incidents.get(TENANT, history.incident)
    assert ours in _ids(client, mine, cause=incident.causes[0])
    assert _ids(client, mine, cause="none") == []
    assert incident.host is not None
    role = store.hosts.get(TENANT, incident.host).labels["role"]
    assert ours in _ids(client, mine, label=f"role={role}")
    assert _ids(client, mine, label="role=none") == []
    assert ours in _ids(client, mine, text=incident.hostname.upper())
    assert ours in _ids(client, mine, since=incident.opened_at.isoformat())
    assert ours not in _ids(client, mine, until=incident.opened_at.isoformat())
    assert _ids(client, mine, sort="oldest") == every[::-1]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("label=role", "label must be NAME=VALUE"),
        ("label=%3Dweb", "label must be NAME=VALUE"),
        ("since=2026-11-22T20:00:00", "must bear a time zone"),
        ("until=soon", "must be an RFC 3339 time"),
        ("sort=worst", "sort"),
        ("cause=%00", "cause"),
    ],
)
def test_what_can_not_be_asked_is_named(
    client: TestClient[Litestar], bearer: Bearer, query: str, words: str
) -> None:
    answer = client.get(f"/v1/incidents?{query}", headers=bearer(Role.VIEWER))
    assert answer.status_code == 400
    assert words in answer.text


def test_the_page_narrows_alike_and_keeps_it(
    client: TestClient[Litestar], browser: SignIn, history: History
) -> None:
    viewer = browser(Role.VIEWER)
    incident = history.store.incidents.get(TENANT, history.incident)
    name = f'href="/incidents/{history.incident}"'
    opened = incident.opened_at.strftime("%Y-%m-%dT%H:%M")
    for fits in (
        {"assigned": "nobody"},
        {"cause": incident.causes[0]},
        {"since": opened},
        {"sort": "oldest", "state": "all"},
        {"state": "waiting", "assigned": "nobody"},
    ):
        assert name in viewer.page(f"/incidents?{urlencode(fits)}"), fits
    for wrong in ({"assigned": "me"}, {"cause": "x"}, {"label": "role=x"}, {"until": opened}):
        page = viewer.page(f"/incidents?{urlencode(wrong)}")
        assert name not in page, wrong
        assert "Nothing fits these filters" in page
    kept = viewer.page("/incidents?state=all&label=role%3Dweb&sort=oldest")
    assert "state=quiet&amp;label=role%3Dweb&amp;sort=oldest" in kept
    assert client.get("/incidents?label=role").status_code == 400
