"""Enrolment: trust comes from the token alone, and nothing is half stored."""

import json
import stat
from pathlib import Path

import pytest
from tests.agent.server import Reply, Seen, Server
from tests.agent.tree import Tree

from vedette.agent import AgentSettings, Enrolment, enroll, former_host, status
from vedette.agent.state import StateLock
from vedette.core import (
    ConfigError,
    Conflict,
    InvalidInput,
    ManualClock,
    TenantId,
    Unauthenticated,
    Unavailable,
)
from vedette.seal import Authority, EnrolmentToken, KeyRing, SigningKey, VerifyKey

RING, COMMANDING = KeyRing.generate(), SigningKey.generate()
REPLY = {
    "host_id": "host-7",
    "tenant": "default",
    "ingest_key": RING.current.public.to_text(),
    "command_key": COMMANDING.public.to_text(),
    "interval": 30.0,
    "server_time": 1767225600.0 + 90.0,
}


def _token(server: Server, fingerprint: str = "") -> str:
    return EnrolmentToken.issue(
        tenant=TenantId("default"),
        server=server.url,
        ca_fingerprint=fingerprint or server.authority.fingerprint,
    ).encode()


@pytest.fixture
def settings(tmp_path: Path) -> AgentSettings:
    tree = Tree(tmp_path / "host")
    return AgentSettings(
        state_dir=str(tmp_path / "state"), root=str(tree.root), labels={"role": "web"}
    )


@pytest.fixture
def door(server: Server) -> Server:
    def script(seen: Seen) -> Reply:
        if seen.path == "/v1/ca.pem":
            return Reply(200, raw=server.authority.ca_pem)
        return Reply(201, REPLY)

    server.script = script
    return server


def test_a_token_becomes_an_identity_that_only_its_owner_can_read(
    door: Server, settings: AgentSettings
) -> None:
    clock = ManualClock()
    token = _token(door)
    enrolment = enroll(token, settings, clock, version="1.2.3")
    request = door.seen[-1]
    asked = json.loads(request.body)
    key = VerifyKey.from_text(asked["public_key"])
    request.verify(key)
    assert request.signature.keyid == key.kid
    assert asked["token_secret"] == EnrolmentToken.decode(token).secret
    assert asked["host"]["hostname"] == "made-1"
    assert asked["host"]["labels"] == {"role": "web"}
    assert asked["agent_version"] == "1.2.3"
    assert asked["can_act"] == ["quarantine"]
    assert Enrolment.load(settings.state) == enrolment
    assert (enrolment.host, enrolment.tenant, enrolment.interval) == ("host-7", "default", 30.0)
    assert Enrolment.signing_key(settings.state).public == key
    assert enrolment.commanding_key == COMMANDING.public
    files = [path for path in settings.state.iterdir() if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(settings.state.stat().st_mode) == 0o700
    assert not [path for path in files if path.name.startswith(".")]
    stands = status(settings)
    assert stands.enrolled
    assert not stands.running
    assert stands.offset_seconds == pytest.approx(90.0)


def test_another_authority_than_the_tokens_gets_no_secret(
    door: Server, settings: AgentSettings, tmp_path: Path
) -> None:
    other = Authority.create(tmp_path / "other", ["localhost"])
    with pytest.raises(Unauthenticated, match="do not go on"):
        enroll(_token(door, other.fingerprint), settings, ManualClock(), version="1")
    assert [seen.path for seen in door.seen] == ["/v1/ca.pem"]
    assert not Enrolment.exists(settings.state)


def test_the_tokens_certificate_in_another_servers_hands_gets_no_secret(
    door: Server, settings: AgentSettings, tmp_path: Path
) -> None:
    """Whoever stands in between can hand out the true certificate, but has not its key."""
    other = Authority.create(tmp_path / "other", ["localhost"])
    door.script = lambda _: Reply(200, raw=other.ca_pem + door.authority.ca_pem)
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        enroll(_token(door, other.fingerprint), settings, ManualClock(), version="1")
    assert [seen.method for seen in door.seen] == ["GET"]
    assert not Enrolment.exists(settings.state)


def test_a_server_of_another_name_gets_no_secret(
    door: Server, settings: AgentSettings, tmp_path: Path
) -> None:
    named = Server(tmp_path / "named", lambda _: Reply(200, raw=b""))
    named.authority = Authority.create(tmp_path / "elsewhere", ["elsewhere.example"])
    named.script = lambda _: Reply(200, raw=named.authority.ca_pem)
    with named, pytest.raises(Unavailable, match=r"[Hh]ostname mismatch"):
        enroll(_token(named), settings, ManualClock(), version="1")
    assert [seen.path for seen in named.seen] == ["/v1/ca.pem"]
    assert door.seen == []


def test_an_enrolled_host_is_enrolled_again_only_on_request(
    door: Server, settings: AgentSettings
) -> None:
    clock = ManualClock()
    enroll(_token(door), settings, clock, version="1")
    epoch = status(settings).epoch
    (settings.state / "spool").mkdir()
    (settings.state / "spool" / "0000000000000001-e-1.sealed").write_bytes(b"of the former host")
    with pytest.raises(Conflict, match="enroll --again TOKEN"):
        enroll(_token(door), settings, clock, version="1")
    enroll(_token(door), settings, clock, version="1", again=True)
    now = status(settings)
    assert now.epoch != epoch
    assert now.spool_depth == 0


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401, {"detail": "expired"}), Unauthenticated),
        (Reply(403, {"detail": "used up"}), Unauthenticated),
        (Reply(429), Unavailable),
        (Reply(503), Unavailable),
        (Reply(400, {"detail": "bad"}), InvalidInput),
        (Reply(201, {"host_id": "x"}), InvalidInput),
        (Reply(201, REPLY | {"ingest_key": "nonsense"}), InvalidInput),
        (Reply(201, REPLY | {"interval": -1}), InvalidInput),
        (Reply(201, raw=b"\xff"), InvalidInput),
    ],
)
def test_a_refused_enrolment_leaves_what_was_before(
    door: Server, settings: AgentSettings, reply: Reply, error: type[Exception]
) -> None:
    clock = ManualClock()
    before = enroll(_token(door), settings, clock, version="1")
    epoch = status(settings).epoch
    allowed = door.script
    door.script = lambda seen: allowed(seen) if seen.path == "/v1/ca.pem" else reply
    with pytest.raises(error):
        enroll(_token(door), settings, clock, version="1", again=True)
    assert Enrolment.load(settings.state) == before
    assert status(settings).epoch == epoch
    assert not [path for path in settings.state.iterdir() if path.name.startswith(".")]


def test_a_server_that_started_this_very_second_is_asked_again(
    door: Server, settings: AgentSettings
) -> None:
    allowed = door.script
    asked: list[Seen] = []

    def script(seen: Seen) -> Reply:
        if seen.path == "/v1/enroll":
            asked.append(seen)
            if len(asked) == 1:
                return Reply(401, {"detail": "stale"}, headers={"Retry-After": "1"})
        return allowed(seen)

    door.script = script
    assert enroll(_token(door), settings, ManualClock(), version="1").host == "host-7"
    assert len({seen.signature.nonce for seen in asked}) == 2


def test_the_host_that_a_machine_was_before_is_known(door: Server, settings: AgentSettings) -> None:
    assert former_host(settings) is None
    enroll(_token(door), settings, ManualClock(), version="1")
    assert former_host(settings) == "host-7"
    (settings.state / "enrolment.json").write_text("damaged")
    assert former_host(settings) is None


@pytest.mark.parametrize("raw", [b"", b"<html>", b"x" * 100_000])
def test_what_is_no_certificate_is_told_as_such(
    door: Server, settings: AgentSettings, raw: bytes
) -> None:
    door.script = lambda _: Reply(200, raw=raw)
    with pytest.raises(Unavailable, match="does not give a certificate"):
        enroll(_token(door), settings, ManualClock(), version="1")


def test_a_server_that_is_away_is_told_as_such(door: Server, settings: AgentSettings) -> None:
    token = _token(door)
    door.stop()
    with pytest.raises(Unavailable, match="can't be reached"):
        enroll(token, settings, ManualClock(), version="1")


def test_a_running_agent_is_not_enrolled_under_its_feet(
    door: Server, settings: AgentSettings
) -> None:
    with StateLock(settings.state), pytest.raises(Conflict, match="another agent"):
        enroll(_token(door), settings, ManualClock(), version="1")


def test_damaged_or_open_files_are_refused_with_advice(
    door: Server, settings: AgentSettings
) -> None:
    with pytest.raises(ConfigError, match="vedette agent enroll"):
        Enrolment.load(settings.state)
    enroll(_token(door), settings, ManualClock(), version="1")
    path = settings.state / "enrolment.json"
    path.write_bytes(b"{")
    with pytest.raises(ConfigError, match="new token"):
        Enrolment.load(settings.state)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod"):
        Enrolment.load(settings.state)
