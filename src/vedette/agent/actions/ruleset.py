"""The nftables ruleset that cuts a host off from all but its server: text only, nothing is applied here."""

import ipaddress
from collections.abc import Sequence
from typing import Literal

from vedette.agent.actions.scene import Address
from vedette.core import Record

__all__ = ["TABLE", "Exception_", "Network", "ruleset"]

TABLE = "vedette_quarantine"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Exception_(Record, frozen=True, kw_only=True):  # noqa: N801 - the word of the policy, which Python has taken
    """Traffic that stays allowed. `port` is the peer's for `out` and this host's for `in`; None is every port."""

    direction: Literal["in", "out"]
    network: Network
    protocol: Literal["tcp", "udp"]
    port: int | None


def ruleset(
    *,
    server: Sequence[Address],
    port: int,
    resolvers: Sequence[Address],
    exceptions: Sequence[Exception_],
) -> str:
    """One atomic nft(8) script: it makes the table anew, so that applying it twice is applying it once.

    The chains come before every filter chain of the host, and drop is final in nftables: no other table can allow
    again what this one drops. An accept here is not final: the host's own rules still hold.
    """
    incoming = [
        "iifname lo accept",
        *(
            f"{_family(one)} saddr {one} tcp sport {port} ct state established accept"
            for one in server
        ),
        *(
            f"{_family(one)} saddr {one} meta l4proto {{ tcp, udp }} th sport 53 ct state established accept"
            for one in resolvers
        ),
        *_LINK_IN,
        *(_rule(one, incoming=True) for one in exceptions),
    ]
    outgoing = [
        "oifname lo accept",
        *(f"{_family(one)} daddr {one} tcp dport {port} accept" for one in server),
        *(
            f"{_family(one)} daddr {one} meta l4proto {{ tcp, udp }} th dport 53 accept"
            for one in resolvers
        ),
        *_LINK_OUT,
        *(_rule(one, incoming=False) for one in exceptions),
    ]
    lines = [
        f"table inet {TABLE}",
        f"delete table inet {TABLE}",
        f"table inet {TABLE} {{",
        *_chain("input", incoming),
        *_chain("forward", []),
        *_chain("output", outgoing),
        "}",
    ]
    return "\n".join(lines) + "\n"


# Addresses are leased and neighbours found anew now and then; without that the server would be out of reach soon.
_LINK_IN = (
    "udp sport 67 udp dport 68 accept",
    "udp sport 547 udp dport 546 accept",
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept",
)
_LINK_OUT = (
    "udp sport 68 udp dport 67 accept",
    "udp sport 546 udp dport 547 accept",
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept",
)


# After connection tracking (-200), whose states the rules ask for, and before the filters of others (0).
_PRIORITY = -190


def _chain(hook: str, rules: Sequence[str]) -> list[str]:
    return [
        f"  chain {hook} {{",
        f"    type filter hook {hook} priority {_PRIORITY}; policy drop;",
        *(f"    {rule}" for rule in rules),
        "    counter",
        "  }",
    ]


def _rule(one: Exception_, *, incoming: bool) -> str:
    """An exception's rule for one chain: whoever begins is free, the other side may only answer."""
    begins = (one.direction == "in") == incoming
    side = "saddr" if incoming else "daddr"
    ports = "dport" if begins else "sport"
    where = f"{_family(one.network)} {side} {one.network} "
    what = f"{one.protocol} {ports} {one.port}" if one.port else f"meta l4proto {one.protocol}"
    return where + what + ("" if begins else " ct state established") + " accept"


def _family(one: Address | Network) -> str:
    return "ip" if one.version == 4 else "ip6"
