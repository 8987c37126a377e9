"""What a host must still reach in quarantine: its server, or the proxy on the way there, and its name servers."""

import ipaddress
from urllib.parse import urlsplit

from vedette.agent.actions.scene import Address, Check, Scene
from vedette.agent.collect.source import Unreadable
from vedette.core import Record

__all__ = ["Whereabouts", "find"]

_PORTS = {"https": 443, "http": 80}
_RESOLVED = "/etc/resolv.conf"
# Where a resolver on the host itself (systemd-resolved, NetworkManager's dnsmasq) says whom it asks.
_UPSTREAM = ("/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf")


class Whereabouts(Record, frozen=True, kw_only=True):
    """`name` and `port` of what is connected to, its addresses, the name servers but loopback, and how sure that is."""

    name: str
    port: int
    addresses: tuple[Address, ...]
    resolvers: tuple[Address, ...]
    checks: tuple[Check, ...]


def find(scene: Scene) -> Whereabouts:
    """As the host's resolver and its files tell it now."""
    url = urlsplit(scene.proxy or scene.server)
    name, port = url.hostname or "", url.port or _PORTS.get(url.scheme, 443)
    addresses, resolved = _resolve(name, port, scene)
    resolvers, known = _resolvers(scene)
    return Whereabouts(
        name=name, port=port, addresses=addresses, resolvers=resolvers, checks=(resolved, known)
    )


def _resolve(name: str, port: int, scene: Scene) -> tuple[tuple[Address, ...], Check]:
    try:
        found = scene.system.resolve(name, port)
    except (OSError, UnicodeError) as error:
        return (), Check(
            name="server_resolves", ok=False, detail=f"{name} can't be resolved: {error}"
        )
    detail = f"{name} is {', '.join(map(str, found))}"
    return tuple(found), Check(name="server_resolves", ok=bool(found), detail=detail)


def _resolvers(scene: Scene) -> tuple[tuple[Address, ...], Check]:
    """The name servers of resolv.conf(5). A loopback one needs no rule, but those that it asks do."""
    try:
        found = _named(scene.source.lines(_RESOLVED))
        if any(one.is_loopback for one in found):
            for path in _UPSTREAM:
                if scene.source.exists(path):
                    found += _named(scene.source.lines(path))
    except (OSError, Unreadable) as error:
        return (), Check(
            name="resolvers_known", ok=False, detail=f"{_RESOLVED} can't be read: {error}"
        )
    except ValueError as error:
        return (), Check(name="resolvers_known", ok=False, detail=str(error))
    found = list(dict.fromkeys(found))
    remote = tuple(one for one in found if not one.is_loopback)
    detail = f"name servers: {', '.join(map(str, found)) or 'none'}"
    return remote, Check(name="resolvers_known", ok=bool(found), detail=detail)


def _named(lines: list[str]) -> list[Address]:
    found = []
    for line in lines:
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found.append(ipaddress.ip_address(words[1].partition("%")[0]))
            except ValueError as error:
                raise ValueError(f"{words[1]} is no address") from error
    return found
