"""What is found of one's own services, and how often the rows of ports are looked at for it."""

from typing import Any

from tests.detect.scene import port, proc, scene, tables

from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.atwork import acts
from vedette.detect.view import View

_MANY = 200


class _Looked(dict[str, Any]):
    """A row that counts how often it is asked."""

    asked = 0

    def get(self, *args: Any) -> Any:
        _Looked.asked += 1
        return super().get(*args)


def test_the_ports_of_many_copies_of_a_service_are_looked_at_once() -> None:
    rows = tables()
    rows["systemd_units"].append(
        {"id": "shop.service", "fragment_path": "/etc/systemd/system/shop.service"}
    )
    for at in range(_MANY):
        rows["processes"].append(proc(5_000 + at, 1, "shop", "/opt/shop/shop", "/opt/shop/shop"))
        rows["listening_ports"].append(_Looked(port(5_000 + at, 3_000 + at)))
    known = {fingerprint(str(row["username"])): 1 for row in rows["users"]}
    view = View(snapshot=scene(1, rows), count=200, seen=frozenset(rows))
    view.rows("listening_ports")
    _Looked.asked = 0
    made = set(acts(view, known))
    assert {f"port:tcp/{3_000 + at}" for at in range(_MANY)} | {"unit:shop.service"} <= made
    assert _Looked.asked <= 10 * _MANY
