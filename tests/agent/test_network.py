"""Connections that died unseen, proxies, addresses, and waits that end when the network is back."""

import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.enrolled import Agent
from tests.agent.proxy import Proxy
from tests.agent.server import Reply, Seen, Server
from tests.fixtures.relay import Relay

from vedette.agent.backoff import Backoff
from vedette.agent.door import pinned
from vedette.agent.route import Route, place
from vedette.agent.ship import Shipped
from vedette.seal import Authority, read_header


class Roundabout(NamedTuple):
    """A server by another way: what an agent needs of a `Server`."""

    authority: Authority
    url: str


def _port(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def _agent(tmp_path: Path, server: Server, url: str, proxy: str | None = None) -> Agent:
    return Agent(tmp_path / "agent", Roundabout(server.authority, url), proxy=proxy)


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    with Relay(("127.0.0.1", _port(server))) as running:
        yield running


def test_a_kept_connection_that_died_unseen_is_replaced_at_once(
    tmp_path: Path, server: Server, relay: Relay
) -> None:
    agent = _agent(tmp_path, server, f"https://localhost:{relay.port}")
    made = agent.fill(3)
    assert agent.shipper.step() == (Shipped.SENT, 0.0)
    relay.break_when_used()
    assert agent.shipper.step() == (Shipped.SENT, 0.0)
    assert agent.shipper.step() == (Shipped.SENT, 0.0)
    assert relay.connections == 2
    assert [read_header(seen.body).seq for seen in server.seen] == [seq for _, seq in made]
    assert len({seen.signature.nonce for seen in server.seen}) == 3
    assert agent.health.report.last_error == ""
    agent.close()


def test_a_fresh_connection_that_breaks_is_a_failure_and_not_tried_twice(
    tmp_path: Path, server: Server
) -> None:
    class Breaking(Relay):
        def pump(self, client: socket.socket, server: socket.socket) -> None:
            client.close()
            server.close()

    with Breaking(("127.0.0.1", _port(server))) as relay:
        agent = _agent(tmp_path, server, f"https://localhost:{relay.port}")
        agent.fill(1)
        assert agent.shipper.step()[0] is Shipped.KEPT
        assert relay.connections == 1
        agent.close()


def test_after_a_failure_and_after_a_wake_up_the_connection_is_a_new_one(
    tmp_path: Path, server: Server, relay: Relay
) -> None:
    agent = _agent(tmp_path, server, f"https://localhost:{relay.port}")
    agent.fill(3)
    agent.shipper.step()
    agent.shipper.step()
    assert relay.connections == 1
    agent.door.renew()
    agent.shipper.step()
    assert relay.connections == 2
    agent.close()


def test_a_server_with_an_address_of_ipv6_is_reached(tmp_path: Path, server: Server) -> None:
    with Relay(("127.0.0.1", _port(server)), host="::1") as relay:
        agent = _agent(tmp_path, server, f"https://[::1]:{relay.port}")
        agent.fill(1)
        assert agent.shipper.step()[0] is Shipped.SENT
        agent.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The name service of this process: addresses by name, in their order."""
    known: dict[str, list[str]] = {}

    def answer(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        stream = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*stream, (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


def test_a_server_that_moved_is_found_under_its_new_address(
    tmp_path: Path, server: Server, names: dict[str, list[str]]
) -> None:
    with Relay(("127.0.0.1", _port(server)), host="127.0.0.2") as old:
        names["vedette.test"] = ["127.0.0.2"]
        names["127.0.0.1"] = ["127.0.0.1"]
        agent = _agent(tmp_path, server, f"https://vedette.test:{old.port}")
        agent.fill(2)
        assert agent.shipper.step()[0] is Shipped.SENT
    with Relay(("127.0.0.1", _port(server)), host="127.0.0.3", port=old.port):
        names["vedette.test"] = ["127.0.0.3"]
        assert agent.shipper.step()[0] is Shipped.SENT
    agent.close()


def test_of_several_addresses_a_dead_one_does_not_matter(
    tmp_path: Path, server: Server, names: dict[str, list[str]]
) -> None:
    names["vedette.test"] = ["127.0.0.9", "127.0.0.1"]
    agent = _agent(tmp_path, server, f"https://vedette.test:{_port(server)}")
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.SENT
    agent.close()


def test_through_a_proxy_with_name_and_password_tls_still_ends_at_the_server(
    tmp_path: Path, server: Server
) -> None:
    with Proxy(credentials="ana:s3cret") as proxy:
        agent = _agent(tmp_path, server, server.url, f"http://ana:s3cret@127.0.0.1:{proxy.port}")
        agent.fill(2)
        assert agent.shipper.step()[0] is Shipped.SENT
        assert agent.shipper.step()[0] is Shipped.SENT
        agent.close()
    assert proxy.asked == [f"CONNECT localhost:{_port(server)} HTTP/1.1"]
    server.seen[0].verify(agent.key.public)
    assert "proxy-authorization" not in {name.lower() for name in server.seen[0].headers}


@pytest.mark.parametrize(
    ("credentials", "refusing", "words"),
    [
        ("ana:wr0ng@", "", "does not take the name and password in the setting `proxy`"),
        ("", "", "does not take the name and password in the setting `proxy`"),
        ("ana:s3cret@", "yes", "does not connect to https://localhost"),
    ],
)
def test_what_a_proxy_refuses_is_told_clearly_and_without_the_password(
    tmp_path: Path,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    credentials: str,
    refusing: str,
    words: str,
) -> None:
    with Proxy(credentials="ana:s3cret", refuse=bool(refusing)) as proxy:
        agent = _agent(tmp_path, server, server.url, f"http://{credentials}127.0.0.1:{proxy.port}")
        agent.fill(1)
        assert agent.shipper.step()[0] is Shipped.KEPT
        agent.health.write()
        agent.close()
    told = agent.health.report.last_error
    assert f"the proxy http://127.0.0.1:{proxy.port} {words}" in told
    everywhere = told + capsys.readouterr().out + (agent.state / "health.json").read_text()
    assert not [word for word in ("s3cret", "wr0ng", "ana") if word in everywhere]
    assert server.seen == []


def test_a_proxy_that_can_not_reach_the_server_is_no_server_that_answered(server: Server) -> None:
    route = Route(
        server.url,
        context=pinned(server.authority.ca_pem.decode()),
        timeout=1.0,
        proxy="http://proxy",
    )
    assert not route.failure(httpx.ProxyError("503 Service Unavailable")).reached
    assert route.failure(httpx.ProxyError("407 Proxy Authentication Required")).reached


def test_a_proxy_that_is_away_is_named(tmp_path: Path, server: Server) -> None:
    with Proxy() as proxy:
        pass
    agent = _agent(tmp_path, server, server.url, f"http://ana:s3cret@127.0.0.1:{proxy.port}")
    agent.fill(1)
    agent.shipper.step()
    agent.close()
    assert (
        f"through the proxy http://127.0.0.1:{proxy.port} can't be reached: "
        in agent.health.report.last_error
    )
    assert "s3cret" not in agent.health.report.last_error


def test_the_environments_proxies_are_not_heard(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.SENT


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://a:b@proxy:3128", "http://proxy:3128"),
        ("https://proxy", "https://proxy"),
        ("http://a@[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_a_proxy_is_shown_without_name_and_password(url: str, shown: str) -> None:
    assert place(url) == shown


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_while_nothing_is_reached_half_a_minute_is_the_longest_wait(seed: int, tries: int) -> None:
    backoff = Backoff(random.Random(seed), cap=300.0)
    waits = [backoff.fail(reached=False) for _ in range(tries)]
    assert max(waits) <= 30.0
    # What a server that answers says is counted by itself: a long cut does not make it be asked rarely.
    assert backoff.fail() <= 1.0


def test_an_untrusted_server_was_reached_and_one_that_is_away_was_not(
    tmp_path: Path, server: Server
) -> None:
    seen: list[bool] = []

    class Counting(Backoff):
        def fail(self, asked: float | None = None, *, reached: bool = True) -> float:
            seen.append(reached)
            return super().fail(asked, reached=reached)

    other = Authority.create(tmp_path / "other", ["localhost"])
    for ca_pem in (other.ca_pem, None):
        agent = Agent(tmp_path / f"agent-{len(seen)}", server, ca_pem=ca_pem)
        agent.shipper._backoff = Counting(random.Random(1))
        agent.fill(1)
        if ca_pem is None:
            server.stop()
        assert agent.shipper.step()[0] is Shipped.KEPT
        agent.close()
    assert seen == [True, False]


def test_a_wait_between_tries_ends_when_something_has_changed(agent: Agent, server: Server) -> None:
    arrived, refusing = threading.Event(), threading.Event()
    refusing.set()

    def script(_: Seen) -> Reply:
        if refusing.is_set():
            refusing.clear()
            return Reply(503, headers={"Retry-After": "3000"})
        arrived.set()
        return Reply(202)

    server.script = script
    agent.fill(1)
    stop, wake = threading.Event(), threading.Event()
    thread = threading.Thread(target=agent.shipper.run, args=(stop, wake))
    thread.start()
    for _ in range(2_000):
        agent.shipper.hurry()
        if arrived.wait(0.01):
            break
    assert arrived.is_set()
    stop.set()
    agent.shipper.hurry()
    wake.set()
    thread.join(10)
    assert not thread.is_alive()
