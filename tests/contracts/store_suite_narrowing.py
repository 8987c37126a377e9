"""The list of incidents, narrowed by what people ask for, on every backend."""

from typing import Any

import pytest
from tests.contracts.store_suite_storms import ill
from tests.store.make import (
    OTHER,
    TENANT,
    apply,
    described,
    effect,
    incident,
    minute,
)

from vedette.core import Gathered, HostId, IncidentKind, InvalidInput, Label, Spread
from vedette.store import Store

__all__ = ["NarrowingContract"]

QUOTED = 'proc:a","b'
FLEET = incident(9).id


def _ill(store: Store, number: int, host: str, labels: dict[str, str], **more: Any) -> None:
    one = incident(number, host=HostId(host), hostname=f"Web-{number}", **more)
    apply(
        store,
        effect(
            1,
            Label.ABNORMAL,
            host=HostId(host),
            description=described(HostId(host), labels=labels),
            incidents=(one,),
        ),
    )


class NarrowingContract:
    """What fits, and in which order."""

    @pytest.fixture(autouse=True)
    def _incidents(self, store: Store) -> None:
        fleet = incident(9, host=None, kind=IncidentKind.FLEET, hostname="", causes=("net:eth0",))
        web = {"role": "web", "rack": "r1"}
        _ill(store, 1, "a", web, causes=("cron:x", "port:1"), assigned_to="user:ada")
        _ill(store, 2, "b", {"role": "db"}, causes=("CRON:X",), assigned_to="user:ben")
        _ill(store, 3, "c", {'x","role': "web"}, causes=(QUOTED, "port:10"))
        apply(store, ill(50, OTHER, causes=("cron:x",)))

        def one_storm(spread: Spread) -> Gathered:
            ours = spread.tenant == TENANT
            joined = {incident(3).id: FLEET} if ours else {}
            return Gathered(incidents=(fleet,) if ours else (), joined=joined)

        store.incidents.gather(one_storm)

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({}, [9, 3, 2, 1]),
            ({"oldest_first": True}, [1, 2, 3, 9]),
            ({"assigned_to": "user:ada"}, [1]),
            ({"assigned_to": ""}, [9, 3]),
            ({"cause": "cron:x"}, [1]),
            ({"cause": "CRON:X"}, [2]),
            ({"cause": "port:1"}, [1]),
            ({"cause": QUOTED}, [3]),
            ({"cause": "b"}, []),
            ({"cause": "cron:%"}, []),
            ({"label": ("role", "web")}, [1]),
            ({"label": ("rack", "r1")}, [1]),
            ({"label": ("role", "w")}, []),
            ({"label": ('x","role', "web")}, [9, 3]),
            ({"text": "wEB-"}, [3, 2, 1]),
            ({"text": "%"}, []),
            ({"among": [incident(1).id, incident(3).id]}, [3, 1]),
            ({"among": []}, []),
            ({"since": minute(2), "until": minute(9)}, [3, 2]),
            ({"whole": True, "oldest_first": True}, [1, 2, 9]),
            ({"cause": "cron:x", "label": ("role", "db")}, []),
        ],
    )
    def test_all_that_is_asked_must_fit(
        self, store: Store, wanted: dict[str, Any], found: list[int]
    ) -> None:
        expected = [incident(number).id for number in found]
        assert [one.id for one in store.incidents.find(TENANT, **wanted).items] == expected
        after, seen = None, []
        for _ in range(len(found)):
            page = store.incidents.find(TENANT, **wanted, limit=1, after=after)
            seen += [one.id for one in page.items]
            after = page.next
        assert seen == expected
        assert after is None

    def test_a_cursor_of_the_other_order_is_refused(self, store: Store) -> None:
        cursor = store.incidents.find(TENANT, limit=1).next
        with pytest.raises(InvalidInput, match="cursor"):
            store.incidents.find(TENANT, limit=1, after=cursor, oldest_first=True)
