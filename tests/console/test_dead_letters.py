"""Dead letters over the API and on their pages: found, shown without their content, replayed, purged, audited."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import ORIGIN, Browser
from tests.fixtures.console import console_of, kept_app_of
from tests.fixtures.dead_letters import buried, queue_of
from tests.fixtures.history import TENANT, History

from vedette.core import TenantId
from vedette.queue import MemoryQueue
from vedette.store import Role

Bearer = Callable[[Role], dict[str, str]]
OTHER = TenantId("other")


@pytest.fixture
def queue(history: History) -> MemoryQueue:
    queue = queue_of(history)
    buried(queue, history, "web-1", 9, "of another tenant", tenant=OTHER)
    return queue


@pytest.fixture
def client(history: History, queue: MemoryQueue) -> Iterator[TestClient[Litestar]]:
    with TestClient(kept_app_of(console_of(history, queue)), base_url=ORIGIN) as client:
        yield client


def _get(client: TestClient[Litestar], headers: dict[str, str], path: str) -> Any:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _ids(client: TestClient[Litestar], headers: dict[str, str], query: str = "") -> list[str]:
    return [one["id"] for one in _get(client, headers, f"/v1/dead-letters{query}")["items"]]


def _audited(history: History) -> list[tuple[str, str, str]]:
    found = history.store.audit.find(TENANT).items
    return [
        (one.action, one.subject, one.reason)
        for one in reversed(found)
        if one.action.startswith("dead_letter")
    ]


def test_a_viewer_sees_what_the_header_tells_and_never_the_content(
    client: TestClient[Litestar], bearer: Bearer, history: History
) -> None:
    viewer = bearer(Role.VIEWER)
    shown = _get(client, viewer, "/v1/dead-letters/1")
    assert (shown["host"], shown["hostname"], shown["seq"]) == (
        history.hosts["web-2"],
        "web-2",
        501,
    )
    assert shown["content_type"] == "application/json"
    assert shown["taken_at"] < shown["received_at"] < shown["rejected_at"]
    assert (shown["attempts"], shown["replays"], shown["verdict"]) == (1, 0, None)
    assert len(shown["key_id"]) == 43
    damaged = _get(client, viewer, "/v1/dead-letters/2")
    assert (damaged["key_id"], damaged["taken_at"]) == (None, None)
    assert "SECRET" not in client.get("/v1/dead-letters", headers=viewer).text


def test_they_are_found_by_host_time_and_reason_and_of_one_tenant_only(
    client: TestClient[Litestar], bearer: Bearer, history: History
) -> None:
    viewer = bearer(Role.VIEWER)
    assert _ids(client, viewer) == ["1", "2", "3"]
    assert _ids(client, viewer, f"?host={history.hosts['db-1']}") == ["3"]
    assert _ids(client, viewer, "?text=ENVELOPE") == ["2"]
    assert _ids(client, viewer, "?until=2020-01-01T00:00:00Z") == []
    assert _ids(client, viewer, "?since=2020-01-01T00:00:00Z&limit=1") == ["1"]
    assert client.get("/v1/dead-letters/4", headers=viewer).status_code == 404
    admin = bearer(Role.ADMIN)
    assert client.post("/v1/dead-letters/4/replay", headers=admin, json={}).status_code == 404


def test_pages_follow_each_other(client: TestClient[Litestar], bearer: Bearer) -> None:
    viewer = bearer(Role.VIEWER)
    first = _get(client, viewer, "/v1/dead-letters?limit=2")
    assert first["next"] == "2"
    rest = _get(client, viewer, f"/v1/dead-letters?limit=2&after={first['next']}")
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["3"], None)
    wrong = client.get("/v1/dead-letters?after=x", headers=viewer)
    assert (wrong.status_code, wrong.json()["type"]) == (400, "/problems/invalid-cursor")


def test_one_is_replayed_and_again_is_no_second_effect(
    client: TestClient[Litestar], bearer: Bearer, history: History, queue: MemoryQueue
) -> None:
    admin = bearer(Role.ADMIN)
    path = "/v1/dead-letters/1/replay"
    answer = client.post(path, headers=admin, json={"reason": "the old key is back"})
    assert (answer.status_code, answer.json()["id"]) == (200, "1")
    assert client.post(path, headers=admin, json={}).status_code == 404
    assert [d.replays for d in queue.poll(limit=9, lease_seconds=9)] == [1]
    assert _audited(history) == [
        ("dead_letters.replay", "1", "the old key is back"),
        ("dead_letter.replayed", "1", "the old key is back"),
    ]


def test_many_are_replayed_a_bounded_number_at_a_time(
    client: TestClient[Litestar], bearer: Bearer, history: History, queue: MemoryQueue
) -> None:
    admin = bearer(Role.ADMIN)
    body = {"host": history.hosts["web-2"], "limit": 1}
    answers = [
        client.post("/v1/dead-letters/replay", headers=admin, json=body).json() for _ in range(3)
    ]
    assert answers == [
        {"count": 1, "more": True},
        {"count": 1, "more": False},
        {"count": 0, "more": False},
    ]
    assert queue.depth() == 2
    every = client.post("/v1/dead-letters/replay", headers=admin, json={}).json()
    assert every == {"count": 1, "more": False}
    assert [one.identity.tenant for one in queue.dead_letters(limit=9)] == [OTHER]


def test_a_purge_needs_to_say_which_and_why(
    client: TestClient[Litestar], bearer: Bearer, queue: MemoryQueue, history: History
) -> None:
    admin = bearer(Role.ADMIN)

    def purge(**body: object) -> tuple[int, str]:
        answer = client.post("/v1/dead-letters/purge", headers=admin, json=body)
        return answer.status_code, answer.json().get("type", "")

    assert purge(reason="old") == (400, "/problems/filter-needed")
    assert purge(text="torn") == (400, "/problems/invalid-input")
    assert purge(text="torn", reason=" ") == (400, "/problems/invalid-input")
    for time in (1_700_000_000, "yesterday", "2026-11-22T20:00:00"):
        assert purge(until=time, reason="old") == (400, "/problems/invalid-input"), time
    assert client.delete("/v1/dead-letters/1", headers=admin).status_code == 400
    assert queue.stats().dead_letters == 4
    assert purge(text="envelope", reason="a test agent's") == (200, "")
    gone = client.delete("/v1/dead-letters/1?reason=known", headers=admin)
    assert (gone.status_code, gone.text) == (204, "")
    assert client.delete("/v1/dead-letters/1?reason=known", headers=admin).status_code == 404
    assert _ids(client, admin) == ["3"]
    assert _audited(history) == [
        ("dead_letters.purge", "dead-letters", "a test agent's"),
        ("dead_letter.purged", "2", "a test agent's"),
        ("dead_letters.purge", "1", "known"),
        ("dead_letter.purged", "1", "known"),
    ]
    told = history.store.audit.find(TENANT, action="dead_letter.purged").items[1].data
    assert (told["seq"], told["why"]) == (502, "bad-envelope: not a version 1 envelope")


def test_times_without_a_zone_are_refused(client: TestClient[Litestar], bearer: Bearer) -> None:
    body = {"until": "2026-01-01T00:00:00", "reason": "x"}
    answer = client.post("/v1/dead-letters/purge", headers=bearer(Role.ADMIN), json=body)
    assert answer.status_code == 400


def test_the_list_shows_reason_host_and_age_and_lets_admins_alone_act(
    browser: Callable[[Role], Browser],
) -> None:
    page = browser(Role.VIEWER).page("/dead-letters")
    assert "unknown-key: the key vik1.old is not in the ring" in page
    assert "web-2" in page
    assert "of another tenant" not in page
    assert "Purge" not in page
    assert "Purge all" in browser(Role.ADMIN).page("/dead-letters")


def test_an_admin_replays_and_purges_from_the_pages(
    browser: Callable[[Role], Browser], queue: MemoryQueue, history: History
) -> None:
    admin = browser(Role.ADMIN)
    assert "application/json" in admin.page("/dead-letters/1")
    assert "the header is damaged" in admin.page("/dead-letters/2")
    assert admin.send("/dead-letters/1/replay") == (303, "/dead-letters?done=replayed")
    assert admin.send("/dead-letters/1/replay")[0] == 404
    assert admin.send("/dead-letters/2/purge")[0] == 400
    assert admin.send("/dead-letters/2/purge", reason="torn") == (303, "/dead-letters?done=purged")
    assert admin.send("/dead-letters/purge", reason="all")[0] == 400
    everything = admin.send("/dead-letters/purge", reason="all", all="yes")
    assert everything == (303, "/dead-letters?done=purged")
    assert admin.send("/dead-letters/replay") == (303, "/dead-letters?done=nothing")
    assert "No dead letters" in admin.page("/dead-letters")
    assert [one.identity.tenant for one in queue.dead_letters(limit=9)] == [OTHER]
    assert [one[0] for one in _audited(history)].count("dead_letter.purged") == 2


def test_a_filter_that_nothing_fits_says_so(browser: Callable[[Role], Browser]) -> None:
    assert "No dead letter fits" in browser(Role.VIEWER).page("/dead-letters?text=nope")
