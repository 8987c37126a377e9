"""Whether a quarantine blocks: this host knocks at addresses that lead nowhere, and must not get as far as its own network."""

import errno
import ipaddress
import os
from collections.abc import Sequence

from vedette.agent.actions.scene import Address, Check, System
from vedette.core import Network

__all__ = ["blocked"]

# For documentation (RFC 5737, RFC 3849): nobody is there, should a datagram leave all the same.
_NOWHERE: tuple[Address, ...] = (
    ipaddress.ip_address("192.0.2.1"),
    ipaddress.ip_address("198.51.100.1"),
    ipaddress.ip_address("203.0.113.1"),
    ipaddress.ip_address("2001:db8:ffff::1"),
    ipaddress.ip_address("3fff:fff::1"),
)
_UNREACHABLE = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.ENODEV,
    }
)


def blocked(allowed: Sequence[Network], system: System) -> Check:
    """Holds when the kernel refuses a datagram on its way out, and lets none out.

    A host without a route to such an address (an isolated network) is asked to send it out of each interface as if the
    address were beside it; then the rules are met before the network.
    """
    tried: list[str] = []
    refused = False
    for version in (4, 6):
        address = next(
            (one for one in _NOWHERE if one.version == version and not _in(one, allowed)), None
        )
        if address is None:
            continue
        found, words = _knock(address, system)
        tried.append(words)
        if found == 0:
            return Check(name="forbidden_blocked", ok=False, detail="; ".join(tried))
        refused = refused or found == errno.EPERM
    detail = "; ".join(tried) or "the exceptions leave no address to test with"
    return Check(name="forbidden_blocked", ok=refused, detail=detail)


def _knock(address: Address, system: System) -> tuple[int, str]:
    found = system.knock(address)
    way = ""
    if found in _UNREACHABLE:
        for interface in system.interfaces():
            found = system.knock(address, interface)
            way = f" by {interface}"
            if found not in _UNREACHABLE:
                break
    if found == 0:
        return found, f"a datagram to {address}{way} left the host"
    if found == errno.EPERM:
        return found, f"a datagram to {address}{way} was refused by the kernel's rules"
    return found, f"a datagram to {address} had no way out ({os.strerror(found)})"


def _in(address: Address, networks: Sequence[Network]) -> bool:
    return any(one.version == address.version and address in one for one in networks)
