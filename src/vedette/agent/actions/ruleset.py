"""The nftables ruleset that cuts a host off from all but its server: text only, nothing is applied here.

Its rules hold only while the set `lease` has an element of the packet's protocol. These time out in the kernel: then all
traffic flows again, whatever has become of the agent. What is left is a table that does nothing.
"""

from collections.abc import Sequence
from typing import Literal

from vedette.agent.actions.scene import Address
from vedette.core import Network, Record

__all__ = ["TABLE", "Exception_", "gate", "lift", "reset", "ruleset"]

TABLE = "vedette_quarantine"


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
    """The script (nft(8)) that makes the table anew, so that applying it twice is applying it once. Without `gate` it does nothing.

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
        f"table inet {TABLE} {{",
        *_LEASE,
        *_hook("input", "jump incoming"),
        *_hook("forward", "counter drop"),
        *_hook("output", "jump outgoing"),
        *_chain("incoming", incoming),
        *_chain("outgoing", outgoing),
        "}",
    ]
    return lift() + "\n".join(lines) + "\n"


def gate(seconds: float) -> str:
    """Puts the rules in force for so many seconds (a thousandth at least). To be loaded in one script with `ruleset`."""
    time = f"timeout {max(round(seconds * 1000), 1)}ms"
    return f"add element inet {TABLE} lease {{ ipv4 {time}, ipv6 {time} }}\n"


def reset(seconds: float) -> str:
    """Puts them in force for so many seconds from now: an element that is there can't be given another time, so it is made anew."""
    return f"flush set inet {TABLE} lease\n" + gate(seconds)


def lift() -> str:
    """Takes the table away. To delete what is not there is an error in nft, so it is made first."""
    return f"table inet {TABLE}\ndelete table inet {TABLE}\n"


# Addresses are leased and neighbours found anew now and then; without that the server would be out of reach soon, and without
# word of a too large packet so would it be behind a tunnel. Switches that watch multicast must hear of this host for that.
_LINK_IN = (
    "udp sport 67 udp dport 68 accept",
    "udp sport 547 udp dport 546 accept",
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } accept",
    "icmp type destination-unreachable ct state related accept",
    "icmpv6 type packet-too-big ct state related accept",
)
_LINK_OUT = (
    "udp sport 68 udp dport 67 accept",
    "udp sport 546 udp dport 547 accept",
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept",
)

_LEASE = (
    "  set lease {",
    "    type nf_proto",
    "    flags timeout",
    "  }",
)
# After connection tracking (-200), whose states the rules ask for, and before the filters of others (0).
_PRIORITY = -190


def _hook(hook: str, then: str) -> list[str]:
    return [
        f"  chain {hook} {{",
        f"    type filter hook {hook} priority {_PRIORITY}; policy accept;",
        f"    meta nfproto @lease {then}",
        "  }",
    ]


def _chain(name: str, rules: Sequence[str]) -> list[str]:
    return [f"  chain {name} {{", *(f"    {rule}" for rule in rules), "    counter drop", "  }"]


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
