"""What the pages ask of actions: how many wait, of which hosts, with which commands and incidents; on every backend."""

from tests.store.make import HOST, OTHER, TENANT, action, command, enrol, incident, with_action

from vedette.core import ActionState, HostId, IncidentId
from vedette.store import Store

__all__ = ["ShownContract"]

S = ActionState


class ShownContract:
    """Looked up for lists; changes nothing."""

    def test_what_waits_is_counted_by_tenant(self, store: Store) -> None:
        enrol(store)
        one = with_action(store)
        assert store.actions.waiting(TENANT) == 0
        store.actions.advance(TENANT, one.id, S.AWAITING_APPROVAL, actor="system:responder")
        assert (store.actions.waiting(TENANT), store.actions.waiting(OTHER)) == (1, 0)
        store.actions.advance(TENANT, one.id, S.REFUSED, actor="user:ada")
        assert store.actions.waiting(TENANT) == 0

    def test_actions_are_found_by_any_of_some_hosts(self, store: Store) -> None:
        enrol(store)
        enrol(store, host=HostId("host-2"))
        first = with_action(store)
        other = store.actions.propose(action(2, host=HostId("host-2"), incident=None))
        store.actions.propose(action(3, host=None, incident=None, kind="mail", lease_seconds=0.0))

        def found(*hosts: str) -> list[str]:
            named = [HostId(host) for host in hosts]
            return [one.id for one in store.actions.find(TENANT, hosts=named).items]

        assert found(HOST) == [first.id]
        assert found(HOST, "host-2", "nobody") == [other.id, first.id]
        assert found() == []

    def test_commands_are_found_by_their_action(self, store: Store) -> None:
        enrol(store)
        one = with_action(store)
        assert store.commands.of(one) == []
        store.commands.put(command(2), b"signed 2")
        store.commands.put(command(1), b"signed 1")
        assert store.commands.of(one) == [command(1), command(2)]
        assert store.commands.of(action(2)) == []
        assert store.commands.of(action(1, host=None)) == []

    def test_incidents_are_found_by_their_ids(self, store: Store) -> None:
        enrol(store)
        with_action(store)
        one = store.incidents.get(TENANT, incident().id)
        asked = [one.id, IncidentId("nothing"), one.id]
        assert store.incidents.many(TENANT, asked) == {one.id: one}
        assert store.incidents.many(OTHER, asked) == {}
        assert store.incidents.many(TENANT, []) == {}
