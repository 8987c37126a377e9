"""Hosts, enrolment, tokens, sessions, policies, audit and pages, on every backend."""

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from tests.store.make import HOST, OTHER, START, TENANT, apply, described, effect, enrol, minute

from vedette.core import (
    Backtest,
    Conflict,
    Forbidden,
    Host,
    HostId,
    HostStatus,
    InvalidInput,
    Label,
    ManualClock,
    NotFound,
    Unauthenticated,
    Valueless,
)
from vedette.store import ApiToken, Role, Store
from vedette.store.schema import TOKENS

__all__ = ["AccessContract", "HostsContract"]

ADA = "user:ada"


def _audited(store: Store) -> list[str]:
    return [entry.action for entry in reversed(store.audit.find(TENANT).items)]


class HostsContract:
    """Who is watched, and how it stands."""

    def test_an_enrolled_host_is_unknown_until_it_is_judged(
        self, store: Store, clock: ManualClock
    ) -> None:
        host = enrol(store, labels={"role": "db"}, interval=30.0, can_act=("quarantine",))
        assert (host.status, host.status_since, host.enrolled_at) == (
            HostStatus.UNKNOWN,
            clock.now(),
            clock.now(),
        )
        assert (host.labels, host.interval, host.can_act) == ({"role": "db"}, 30.0, ("quarantine",))
        assert store.hosts.get(TENANT, HOST) == host
        assert store.hosts.many(TENANT, [HOST, HostId("x")]) == {HOST: host}

    def test_the_same_key_again_gives_the_same_host(self, store: Store) -> None:
        first = enrol(store, host=None)
        assert enrol(store, host=None) == first
        assert _audited(store) == ["host.enrolled"]
        assert len(first.id) == 36

    def test_a_key_of_another_tenant_or_host_is_refused(self, store: Store) -> None:
        enrol(store, kid="k")
        with pytest.raises(Conflict):
            enrol(store, OTHER, kid="k")
        with pytest.raises(Conflict):
            enrol(store, kid="k", public_key="another")
        with pytest.raises(Conflict):
            enrol(store, kid="k2")
        assert store.hosts.find(OTHER).items == ()

    def test_a_signer_is_known_by_its_key_until_it_is_revoked(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store, kid="k")
        found = store.hosts.signers(["k", "x"])
        assert found.keys() == {"k"}
        signer = found["k"]
        assert (signer.host, signer.tenant, signer.revoked_at) == (HOST, TENANT, None)
        assert signer.public_key == f"public key of {HOST}"
        revoked = store.hosts.revoke(TENANT, HOST, ADA, "stolen")
        assert revoked.revoked_at == clock.now()
        assert store.hosts.signers(["k"])["k"].revoked_at == clock.now()
        with pytest.raises(Conflict, match="revoked"):
            enrol(store, kid="k")
        (entry,) = store.audit.find(TENANT, action="host.revoked").items
        assert (entry.actor, entry.subject, entry.reason) == (ADA, HOST, "stolen")

    def test_what_its_agent_lets_be_done_is_kept_with_an_audit_row(self, store: Store) -> None:
        enrol(store, can_act=("quarantine",))
        assert not store.hosts.allow(TENANT, HOST, ("quarantine",))
        assert store.hosts.allow(TENANT, HOST, ("quarantine", "shutdown"))
        assert store.hosts.get(TENANT, HOST).can_act == ("quarantine", "shutdown")
        assert store.hosts.allow(TENANT, HOST, ())
        assert not store.hosts.allow(TENANT, HostId("nobody"), ("quarantine",))
        assert store.hosts.get(TENANT, HOST).can_act == ()
        last, first = store.audit.find(TENANT, action="host.allows").items
        assert (first.actor, first.subject) == (f"host:{HOST}", HOST)
        assert first.data == {"before": ["quarantine"], "now": ["quarantine", "shutdown"]}
        assert last.reason == "its agent lets nothing be done"

    def test_revoking_again_changes_nothing(self, store: Store, clock: ManualClock) -> None:
        enrol(store)
        first = store.hosts.revoke(TENANT, HOST, ADA, "")
        clock.advance(9)
        assert store.hosts.revoke(TENANT, HOST, ADA, "") == first
        assert _audited(store).count("host.revoked") == 1
        with pytest.raises(NotFound):
            store.hosts.revoke(TENANT, HostId("x"), ADA, "")

    def test_hosts_are_found_by_status_text_and_trust(self, store: Store) -> None:
        for name in ("web-1", "Web-2", "db_1", "db%1"):
            enrol(store, host=HostId(f"id-{name}"), description=described(hostname=name))
        apply(store, effect(1, Label.ABNORMAL, host=HostId("id-web-1"), description=None))
        store.hosts.revoke(TENANT, HostId("id-db%1"), ADA, "")

        def names(**asked: Any) -> list[str]:
            return [h.hostname for h in store.hosts.find(TENANT, **asked).items]

        assert names() == ["Web-2", "db_1", "web-1"]
        assert names(revoked=None) == ["Web-2", "db%1", "db_1", "web-1"]
        assert names(revoked=True) == ["db%1"]
        assert names(text="WEB") == ["Web-2", "web-1"]
        assert names(text="b_1") == ["db_1"]
        assert names(text="ID-web") == ["Web-2", "web-1"]
        assert names(status=HostStatus.ABNORMAL) == ["web-1"]
        assert store.hosts.counts_by_status(TENANT) == {
            HostStatus.NORMAL: 0,
            HostStatus.ABNORMAL: 1,
            HostStatus.UNKNOWN: 2,
        }
        web = HostId("id-web-1")
        labelled = store.hosts.labelled(TENANT, [web, HostId("id-db%1"), HostId("nobody")])
        assert (labelled.hosts, labelled.abnormal) == (3, 1)
        assert labelled.of == {web: Label.ABNORMAL}


def _redeem(store: Store, kid: str) -> Host:
    return store.enrol("hash", description=described(), kid=kid, public_key=f"key {kid}")


class AccessContract:
    """Secrets are kept as hashes, expire, and end at once when revoked."""

    def test_an_enrolment_token_has_as_many_uses_as_were_given(self, store: Store) -> None:
        made = store.enrolments.create(
            TENANT, "hash", expires_at=minute(10), uses=2, labels={"role": "web"}, actor=ADA
        )
        assert _redeem(store, "k1").labels == {"role": "web"}
        assert store.enrolments.list(TENANT).items[0].uses_left == 1
        _redeem(store, "k2")
        with pytest.raises(Forbidden, match="2 uses") as caught:
            _redeem(store, "k3")
        assert caught.value.kind == "token-used-up"
        (found,) = store.enrolments.list(TENANT).items
        assert (found.id, found.uses_left) == (made.id, 0)

    def test_an_enrolment_token_that_is_not_good_says_why(
        self, store: Store, clock: ManualClock
    ) -> None:
        with pytest.raises(Unauthenticated):
            _redeem(store, "k")
        made = store.enrolments.create(TENANT, "hash", expires_at=minute(10), uses=2, actor=ADA)
        clock.advance(600)
        with pytest.raises(Forbidden) as caught:
            _redeem(store, "k")
        assert caught.value.kind == "token-expired"
        store.enrolments.revoke(TENANT, made.id, actor=ADA, reason="leaked")
        store.enrolments.revoke(TENANT, made.id, actor=ADA)
        with pytest.raises(Forbidden) as caught:
            _redeem(store, "k")
        assert caught.value.kind == "token-revoked"
        assert _audited(store) == ["enrolment.created", "enrolment.revoked"]
        with pytest.raises(NotFound):
            store.enrolments.revoke(TENANT, "nothing", actor=ADA)

    def test_enrolling_takes_a_use_only_when_it_makes_a_host(self, store: Store) -> None:
        made = store.enrolments.create(
            TENANT, "hash", expires_at=minute(10), uses=1, labels={"role": "web"}, actor=ADA
        )
        enrol(store, OTHER, kid="taken")
        with pytest.raises(Conflict):
            store.enrol("hash", description=described(), kid="taken", public_key="p")
        host = store.enrol("hash", description=described(), kid="k", public_key="p")
        assert host.labels == {"role": "web"}
        assert host.id != HOST
        again = store.enrol("hash", description=described(), kid="k", public_key="p")
        assert again == host
        with pytest.raises(Forbidden):
            store.enrol("hash", description=described(), kid="k2", public_key="p2")
        (entry,) = store.audit.find(TENANT, action="host.enrolled").items
        assert entry.actor == f"enrolment:{made.id}"
        store.hosts.revoke(TENANT, host.id, ADA, "")
        with pytest.raises(Conflict):
            store.enrol("hash", description=described(), kid="k", public_key="p")

    def test_a_tenant_enrols_no_more_hosts_than_its_quota(self, store: Store) -> None:
        store.enrolments.create(TENANT, "many", expires_at=minute(60), uses=9, actor=ADA)

        def enter(kid: str) -> Host:
            return store.enrol(
                "many", description=described(), kid=kid, public_key=kid, most_hosts=2
            )

        first = enter("k1")
        enter("k2")
        with pytest.raises(Forbidden) as refused:
            enter("k3")
        assert refused.value.kind == "host-quota-exceeded"
        assert enter("k1").id == first.id
        assert next(e for e in store.enrolments.list(TENANT).items).uses_left == 7
        store.hosts.revoke(TENANT, first.id, ADA, "gone")
        enter("k3")

    def test_enrolling_with_an_unknown_or_revoked_token_is_refused(self, store: Store) -> None:
        made = store.enrolments.create(TENANT, "hash", expires_at=minute(10), uses=9, actor=ADA)
        store.enrolments.revoke(TENANT, made.id, actor=ADA)
        for secret_hash, refusal in (("nothing", Unauthenticated), ("hash", Forbidden)):
            with pytest.raises(refusal):
                store.enrol(secret_hash, description=described(), kid="k", public_key="p")
        assert store.hosts.find(TENANT).items == ()

    @pytest.mark.parametrize(
        ("uses", "expires"), [(0, minute(1)), (100_001, minute(1)), (1, START)]
    )
    def test_a_useless_enrolment_token_is_refused(
        self, store: Store, uses: int, expires: datetime
    ) -> None:
        with pytest.raises(InvalidInput):
            store.enrolments.create(TENANT, "h", expires_at=expires, uses=uses, actor=ADA)

    def test_an_api_token_opens_until_it_expires_or_is_revoked(
        self, store: Store, clock: ManualClock
    ) -> None:
        made = self._token(store, expires_at=minute(10))
        clock.advance(1)
        lasting = self._token(store, "bob", "hash-2")
        assert store.tokens.by_hash("hash") == made
        assert store.tokens.by_hash("nothing") is None
        clock.step(minute(10))
        assert store.tokens.by_hash("hash") is None
        assert store.tokens.by_hash("hash-2") == lasting
        store.tokens.revoke(TENANT, lasting.id, actor=ADA)
        store.tokens.revoke(TENANT, lasting.id, actor=ADA)
        assert store.tokens.by_hash("hash-2") is None
        listed = store.tokens.list(TENANT).items
        assert [(one.name, one.revoked_at) for one in listed] == [
            ("bob", clock.now()),
            ("ada", None),
        ]
        assert _audited(store) == ["token.created", "token.created", "token.revoked"]
        with pytest.raises(NotFound):
            store.tokens.revoke(TENANT, "nothing", actor=ADA)

    def test_two_usable_tokens_do_not_share_a_name(self, store: Store) -> None:
        made = self._token(store)
        with pytest.raises(Conflict, match="named ada"):
            self._token(store, secret_hash="hash-2")
        store.tokens.revoke(TENANT, made.id, actor=ADA)
        assert self._token(store, secret_hash="hash-2").name == "ada"

    def test_a_useless_api_token_is_refused(self, store: Store) -> None:
        for name, expires in ((" ", None), ("x" * 101, None), ("ada", START)):
            with pytest.raises(InvalidInput):
                self._token(store, name, expires_at=expires)

    def test_a_session_ends_by_itself_by_sign_out_and_with_its_token(
        self, store: Store, clock: ManualClock
    ) -> None:
        token = self._token(store)
        made = store.sessions.create("s1", token, expires_at=minute(10))
        assert store.sessions.get("s1") == made
        assert (made.name, made.role, made.token) == ("ada", Role.RESPONDER, token.id)
        store.sessions.create("s2", token, expires_at=minute(20))
        clock.step(minute(10))
        assert store.sessions.get("s1") is None
        store.sessions.delete("s2")
        store.sessions.delete("s2")
        assert store.sessions.get("s2") is None
        store.sessions.create("s3", token, expires_at=minute(30))
        store.tokens.revoke(TENANT, token.id, actor=ADA)
        assert store.sessions.get("s3") is None
        with pytest.raises(Conflict):
            store.sessions.create("s4", token, expires_at=minute(30))
        assert _audited(store) == [
            "token.created",
            "session.opened",
            "session.opened",
            "session.closed",
            "session.opened",
            "token.revoked",
        ]

    def test_a_session_does_not_outlive_its_tokens_time(
        self, store: Store, clock: ManualClock
    ) -> None:
        token = self._token(store, expires_at=minute(5))
        store.sessions.create("s1", token, expires_at=minute(10))
        clock.step(minute(5))
        assert store.sessions.get("s1") is None

    def test_what_a_back_test_found_is_given_back_whole(self, store: Store) -> None:
        where: dict[str, Any] = {"host": HOST, "hostname": "web-1", "at": START}
        without = Valueless(policy="cut", line=3, asked=4, without=2, reason="none", **where)
        over: dict[str, Any] = {
            "at": minute(1),
            "since": START,
            "until": minute(1),
            "verdicts": 4,
            "incidents": 1,
        }
        tried = Backtest(
            tenant=TENANT, version="v1", by=ADA, kinds=(), valueless=(without,), **over
        )
        assert store.policies.backtest(TENANT, "v1") is None
        store.policies.add_backtest(tried)
        assert store.policies.backtest(TENANT, "v1") == tried

    def test_the_last_policies_applied_are_in_force(self, store: Store, clock: ManualClock) -> None:
        assert store.policies.current(TENANT) is None
        for version in ("v1", "v1", "v2", "v1"):
            clock.advance(1)
            applied = store.policies.put(TENANT, version, f"text of {version}", ADA)
            assert store.policies.current(TENANT) == applied
        assert [one.version for one in store.policies.list(TENANT).items] == ["v1", "v2", "v1"]
        entries = store.audit.find(TENANT, action="policy.applied").items
        assert [(e.subject, e.data["before"]) for e in entries] == [
            ("v1", "v2"),
            ("v2", "v1"),
            ("v1", ""),
        ]

    def test_no_hash_of_a_secret_is_in_the_audit(self, store: Store) -> None:
        store.enrolments.create(TENANT, "hash-e", expires_at=minute(1), uses=1, actor=ADA)
        token = self._token(store, secret_hash="hash-t")
        store.sessions.create("hash-s", token, expires_at=minute(1))
        store.sessions.delete("hash-s")
        store.tokens.revoke(TENANT, token.id, actor=ADA)
        assert "hash-" not in str(store.audit.find(TENANT))

    def test_roles_cover_those_below_them(self) -> None:
        assert [role for role in Role if role.covers(Role.RESPONDER)] == [
            Role.RESPONDER,
            Role.ADMIN,
        ]

    def test_names_that_read_the_same_are_one_person(self, store: Store) -> None:
        first = self._token(store, "Bob ")
        assert first.name == "Bob"
        for other in ("bob", "BOB", " Bob"):
            with pytest.raises(Conflict):
                self._token(store, other, f"hash of {other}")
        store.tokens.revoke(TENANT, first.id, actor="user:root")
        assert self._token(store, "bob", "another").name == "bob"

    @pytest.mark.parametrize(
        "name",
        [
            "user:responder",
            "respоnder",  # noqa: RUF001 - a Cyrillic o
            "ｂob",  # noqa: RUF001 - a wide b
            "a\nb",
            "a\u200bb",
            "bob  lee",
            "bob/lee",
            "@bob",
            "-rm",
            "René",
        ],
    )
    def test_a_name_that_could_read_as_another_is_refused(self, store: Store, name: str) -> None:
        with pytest.raises(
            InvalidInput, match=r"only letters of English, digits, \. _ - @ \+"
        ) as no:
            self._token(store, name)
        assert no.value.detail.isascii()
        assert not store.tokens.list(TENANT).items

    @pytest.mark.parametrize("name", ["b", "Bob Lee", "bob.lee+page@example.org", "ci_2-b"])
    def test_what_a_token_may_be_called(self, store: Store, name: str) -> None:
        assert self._token(store, name).name == name

    def test_tokens_with_names_of_before_still_open(self, store: Store) -> None:
        made = self._token(store, "bob")
        with store._database.writing() as connection:
            connection.execute(sa.update(TOKENS).values(name="René: x"))
        found = store.tokens.by_hash("hash")
        assert found is not None
        assert (found.id, found.name) == (made.id, "René: x")

    @staticmethod
    def _token(
        store: Store,
        name: str = "ada",
        secret_hash: str = "hash",  # noqa: S107 - made up
        expires_at: datetime | None = None,
    ) -> ApiToken:
        return store.tokens.create(
            TENANT, name, Role.RESPONDER, secret_hash, expires_at, "user:root"
        )
