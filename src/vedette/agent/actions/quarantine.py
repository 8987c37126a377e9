"""Quarantine as a dry run: the exact ruleset that would be applied, and what checks on this host found."""

import ipaddress
import subprocess
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from vedette.agent.actions.ruleset import Exception_, ruleset
from vedette.agent.actions.scene import Address, Outcome, Scene
from vedette.agent.collect.source import Unreadable
from vedette.core import ActionState, Command, InvalidInput, Record

__all__ = ["carry_out"]

_CAP_NET_ADMIN = 12
_HTTPS = 443
# Wider than this an exception would leave the host as it is.
_WIDEST = {4: 8, 6: 16}


class _Exception(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    address: str
    direction: Literal["in", "out"] = "out"
    protocol: Literal["tcp", "udp"] = "tcp"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] | None = None


class _Parameters(Record, frozen=True, kw_only=True):
    exceptions: tuple[_Exception, ...] = ()
    lease_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Check(Record, frozen=True, kw_only=True):
    """One thing that must hold before a quarantine may be applied."""

    name: str
    ok: bool
    detail: str


def carry_out(command: Command, scene: Scene) -> Outcome:
    """Plans the quarantine and checks whether it could be applied. Changes nothing.

    The outcome is `simulated`, with `plan` (nft script), `checks` and `would`, also where checks failed; `refused` when
    it was to be applied, or its parameters can't be used.
    """
    if not command.dry_run:
        return Outcome(
            state=ActionState.REFUSED,
            detail="applying comes with a later version; use dry_run",
        )
    try:
        parameters = msgspec.convert(command.parameters, _Parameters)
        exceptions = tuple(map(_exception, parameters.exceptions))
    except (msgspec.ValidationError, InvalidInput) as error:
        return Outcome(state=ActionState.REFUSED, detail=f"the parameters can't be used: {error}")
    url = urlsplit(scene.server)
    port = url.port or _HTTPS
    server, resolved = _resolve(url.hostname or "", port, scene)
    resolvers, found = _resolvers(scene)
    plan = ruleset(server=server, port=port, resolvers=resolvers, exceptions=exceptions)
    checks = (
        resolved,
        found,
        _narrow(exceptions),
        _privileged(scene),
        *_nft(plan, scene),
    )
    failed = [check.name for check in checks if not check.ok]
    detail = (
        f"planned; failed checks: {', '.join(failed)}" if failed else "planned; all checks passed"
    )
    return Outcome(
        state=ActionState.SIMULATED,
        detail=detail,
        data={
            "plan": plan,
            "checks": msgspec.to_builtins(checks),
            "would": _would(url.hostname or "", port, len(exceptions), parameters.lease_seconds),
        },
    )


def _exception(given: _Exception) -> Exception_:
    try:
        network = ipaddress.ip_network(given.address, strict=False)
    except ValueError as error:
        raise InvalidInput(f"an exception's address: {error}") from error
    return Exception_(
        direction=given.direction, network=network, protocol=given.protocol, port=given.port
    )


def _resolve(name: str, port: int, scene: Scene) -> tuple[list[Address], Check]:
    try:
        found = scene.system.resolve(name, port)
    except (OSError, UnicodeError) as error:
        return [], Check(
            name="server_resolves", ok=False, detail=f"{name} can't be resolved: {error}"
        )
    detail = f"{name} is {', '.join(map(str, found))}"
    return found, Check(name="server_resolves", ok=bool(found), detail=detail)


def _resolvers(scene: Scene) -> tuple[list[Address], Check]:
    """The name servers of resolv.conf(5); loopback ones need no rule."""
    found: list[Address] = []
    try:
        lines = scene.source.lines("/etc/resolv.conf")
    except (OSError, Unreadable) as error:
        return [], Check(
            name="resolvers_known", ok=False, detail=f"/etc/resolv.conf can't be read: {error}"
        )
    for line in lines:
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found.append(ipaddress.ip_address(words[1].partition("%")[0]))
            except ValueError:
                return found, Check(
                    name="resolvers_known", ok=False, detail=f"{words[1]} is no address"
                )
    remote = [one for one in found if not one.is_loopback]
    detail = f"name servers: {', '.join(map(str, found)) or 'none'}"
    return remote, Check(name="resolvers_known", ok=bool(found), detail=detail)


def _narrow(exceptions: tuple[Exception_, ...]) -> Check:
    wide = [
        str(one.network)
        for one in exceptions
        if one.network.prefixlen < _WIDEST[one.network.version]
    ]
    detail = f"too wide: {', '.join(wide)}" if wide else f"{len(exceptions)} exceptions"
    return Check(name="exceptions_narrow", ok=not wide, detail=detail)


def _privileged(scene: Scene) -> Check:
    try:
        capable = scene.system.capable(_CAP_NET_ADMIN)
    except (OSError, Unreadable) as error:
        return Check(name="privileged", ok=False, detail=f"capabilities can't be read: {error}")
    detail = "the agent has CAP_NET_ADMIN" if capable else "the agent lacks CAP_NET_ADMIN"
    return Check(name="privileged", ok=capable, detail=detail)


def _nft(plan: str, scene: Scene) -> tuple[Check, Check]:
    """Whether nft is there, and whether it and the kernel take the plan (`nft --check` applies nothing)."""
    program = scene.system.find("nft")
    if program is None:
        return (
            Check(name="nft_present", ok=False, detail="nft is not installed"),
            Check(name="plan_accepted", ok=False, detail="not checked: nft is not installed"),
        )
    present = Check(name="nft_present", ok=True, detail=program)
    try:
        ran = scene.system.run([program, "--check", "--file", "-"], plan)
    except (OSError, subprocess.TimeoutExpired) as error:
        return present, Check(name="plan_accepted", ok=False, detail=f"nft can't be run: {error}")
    words = ran.stderr.strip()[:500] or f"nft ended with status {ran.status}"
    detail = "nft and the kernel accept the plan" if ran.status == 0 else words
    return present, Check(name="plan_accepted", ok=ran.status == 0, detail=detail)


def _would(name: str, port: int, exceptions: int, lease_seconds: float) -> str:
    term = f"for {lease_seconds:g} seconds unless renewed" if lease_seconds else "until released"
    return (
        f"drop all traffic of this host {term}, except loopback, the Vedette server {name}:{port}, DNS to the "
        f"configured name servers, address assignment (DHCP, neighbour discovery) and {exceptions} declared exceptions"
    )
