"""Cuts the host off from all but its server and what is declared, for the time of a lease that the kernel itself ends."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from vedette.agent.actions.firewall import Firewall
from vedette.agent.actions.forbidden import blocked
from vedette.agent.actions.kind import Plan, parameters_of
from vedette.agent.actions.ruleset import TABLE, Exception_, gate, lift, reset, ruleset
from vedette.agent.actions.scene import Check, Scene
from vedette.agent.actions.whereabouts import Whereabouts, find
from vedette.agent.collect.source import Unreadable
from vedette.core import Command, InvalidInput, Record, too_much, too_wide

__all__ = ["Quarantine"]

_CAP_NET_ADMIN = 12
_MOST_EXCEPTIONS = 512
# A year, which is more than the kernel's timers are asked for anywhere; what a host takes is its own setting.
_LONGEST = 31_536_000
_OWN_NETWORK, _HOSTS_NETWORK = "/proc/self/ns/net", "/proc/1/ns/net"


class _Exception(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    address: str
    direction: Literal["in", "out"] = "out"
    protocol: Literal["tcp", "udp"] = "tcp"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] | None = None


class _Parameters(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    exceptions: Annotated[tuple[_Exception, ...], msgspec.Meta(max_length=_MOST_EXCEPTIONS)] = ()
    lease_seconds: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)] = 0.0


class Quarantine:
    """See `Measure`. Its dead man's switch is a set of nftables whose elements time out: the rules ask it first."""

    name: Final = "quarantine"
    by_default: Final = True

    def plan(self, command: Command, scene: Scene) -> Plan:
        """The exact ruleset, and what checks on this host found.

        Raises:
            InvalidInput: parameters that can't be used.
        """
        parameters = parameters_of(command, _Parameters)
        told = tuple(map(_exception, parameters.exceptions))
        exceptions = (*told, *_always(scene))
        place = find(scene)
        rules = ruleset(
            server=place.addresses,
            port=place.port,
            resolvers=place.resolvers,
            exceptions=exceptions,
        )
        text = rules + gate(parameters.lease_seconds or scene.permission.max_lease)
        checks = (
            *place.checks,
            _narrow(told),
            _privileged(scene),
            _hosts_network(scene),
            *Firewall(scene.system).checks(text),
        )
        allowed = (*place.addresses, *place.resolvers, *(one.network for one in exceptions))
        return Plan(
            data={"rules": rules, "allowed": sorted({str(one) for one in allowed})},
            text=text,
            checks=checks,
            would=_would(place, len(exceptions), parameters.lease_seconds),
        )

    def former(self, scene: Scene) -> str:
        """All rules of the host."""
        return Firewall(scene.system).listing()

    def put(self, data: dict[str, Any], seconds: float, scene: Scene) -> str:
        """Table and gate in one transaction."""
        firewall = Firewall(scene.system)
        firewall.load(data["rules"] + gate(seconds))
        return _mark(firewall.table(TABLE))

    def still_meant(
        self, data: dict[str, Any], scene: Scene
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """All of it: rules are of the host itself."""
        del scene
        return data, ()

    def extend(self, data: dict[str, Any], seconds: float, scene: Scene) -> None:
        """The gate's time anew, in one transaction: no packet meets it without."""
        del data
        Firewall(scene.system).load(reset(seconds))

    def stands(self, mark: str, scene: Scene) -> bool:
        """The same rules, and a gate that has not timed out."""
        table = Firewall(scene.system).table(TABLE)
        return table is not None and _mark(table) == mark and _gated(table)

    def stray(self, scene: Scene) -> bool | None:
        """Whether the table is there, and its gate closed. Without nft or the right to ask there is none of ours."""
        if scene.system.find("nft") is None or not _privileged(scene).ok:
            return None
        table = Firewall(scene.system).table(TABLE)
        return None if table is None else _gated(table)

    def probe(self, data: dict[str, Any], scene: Scene) -> tuple[Check, ...]:
        """The server answers over a fresh connection, and what is forbidden does not leave the host."""
        allowed = [ipaddress.ip_network(one) for one in data["allowed"]]
        return scene.reach(), blocked(allowed, scene.system)

    def undo(self, data: dict[str, Any] | None, scene: Scene) -> None:
        """Takes the table away, whether or not it is there."""
        del data
        Firewall(scene.system).load(lift())


def _mark(table: str | None) -> str:
    """The table without its gate's elements, which come and go."""
    lines = (table or "").splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith("elements"))


def _gated(table: str) -> bool:
    return any(line.strip().startswith("elements") for line in table.splitlines())


def _exception(given: _Exception) -> Exception_:
    try:
        network = ipaddress.ip_network(given.address, strict=False)
    except ValueError as error:
        raise InvalidInput(f"an exception's address: {error}") from error
    return Exception_(
        direction=given.direction, network=network, protocol=given.protocol, port=given.port
    )


def _always(scene: Scene) -> list[Exception_]:
    """What the host itself says must stay reachable."""
    return [
        Exception_(direction=direction, network=network, protocol=protocol, port=None)
        for network in scene.permission.networks()
        for direction in ("out", "in")
        for protocol in ("tcp", "udp")
    ]


def _narrow(told: tuple[Exception_, ...]) -> Check:
    """Of what the server tells: what this host keeps in reach by its own settings is bounded there."""
    networks = [one.network for one in told]
    wrong = next((why for one in networks if (why := too_wide(one))), "") or too_much(networks)
    return Check(name="exceptions_narrow", ok=not wrong, detail=wrong or f"{len(told)} exceptions")


def _privileged(scene: Scene) -> Check:
    try:
        capable = scene.system.capable(_CAP_NET_ADMIN)
    except (OSError, Unreadable) as error:
        return Check(name="privileged", ok=False, detail=f"capabilities can't be read: {error}")
    detail = "the agent has CAP_NET_ADMIN" if capable else "the agent lacks CAP_NET_ADMIN"
    return Check(name="privileged", ok=capable, detail=detail)


def _hosts_network(scene: Scene) -> Check:
    """An agent in a container with a network of its own would quarantine itself, and call the host quarantined."""
    if not scene.source.at(""):
        return Check(name="hosts_network", ok=True, detail="the agent runs on the host")
    try:
        same = scene.source.link(_HOSTS_NETWORK) == str(Path(_OWN_NETWORK).readlink())
    except OSError as error:
        return Check(name="hosts_network", ok=False, detail=f"it can't be told: {error}")
    whose = "the host's own" if same else "another than the host's"
    return Check(name="hosts_network", ok=same, detail=f"the agent's network is {whose}")


def _would(place: Whereabouts, exceptions: int, lease_seconds: float) -> str:
    term = f"for {lease_seconds:g} seconds unless renewed" if lease_seconds else "for a lease"
    return (
        f"drop all traffic of this host {term}, except loopback, the Vedette server or its proxy {place.name}:{place.port}, "
        f"DNS to the configured name servers, address assignment (DHCP, neighbour discovery) and {exceptions} declared exceptions"
    )
