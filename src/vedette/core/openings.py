"""How much of all addresses what is cut off may still reach: one network, and all of them together, by the space they cover."""

import ipaddress
from collections.abc import Sequence
from typing import Final

__all__ = ["MOST_OPENINGS", "Network", "too_much", "too_wide"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_OPENINGS: Final = 64
"""Networks in all."""

# The widest prefix of one network, by version; all together may cover twice as much.
_WIDEST: Final = {4: 8, 6: 16}
_TIMES: Final = 2
_BITS: Final = {4: ipaddress.IPV4LENGTH, 6: ipaddress.IPV6LENGTH}
# IPv6 that stands for all of IPv4, and the bit at which its addresses begin: RFC 4291 2.5.5.2 (mapped), RFC 6052 and RFC 8215 (NAT64),
# RFC 3056 (6to4). Within RFC 8215's /48 a site may embed them further to the front, too; at the end is the widest that a network there can mean.
_EMBEDDING: Final = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 96),
    (ipaddress.IPv6Network("64:ff9b::/96"), 96),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 96),
    (ipaddress.IPv6Network("2002::/16"), 16),
)


def too_wide(network: Network) -> str:
    """Why one network leaves nothing of being cut off; empty when it may be an exception."""
    for stands in _meant(network):
        widest = _WIDEST[stands.version]
        if stands.prefixlen < widest:
            given = (
                f"{network}"
                if stands == network
                else f"{network}, which has {stands} of IPv4 in it,"
            )
            return f"{given} is too wide to be an exception; at most a /{widest}"
    return ""


def too_much(networks: Sequence[Network]) -> str:
    """Why they can't all stay reachable; empty when they may. What lies in another of them counts once."""
    apart = len(set(networks))
    if apart > MOST_OPENINGS:
        return f"{apart} networks are too many exceptions; at most {MOST_OPENINGS}"
    meant = [each for one in networks for each in _meant(one)]
    four = sum(
        one.num_addresses
        for one in ipaddress.collapse_addresses(
            one for one in meant if isinstance(one, ipaddress.IPv4Network)
        )
    )
    six = sum(
        one.num_addresses
        for one in ipaddress.collapse_addresses(
            one for one in meant if isinstance(one, ipaddress.IPv6Network)
        )
    )
    for version, covered in ((6, six), (4, four)):
        unit = 1 << (_BITS[version] - _WIDEST[version])
        if covered > _TIMES * unit:
            times, rest = divmod(covered, unit)
            return (
                f"together the exceptions cover {'more than ' if rest else ''}{times} times a /{_WIDEST[version]} "
                f"of IPv{version}; at most {_TIMES} times"
            )
    return ""


def _meant(network: Network) -> list[Network]:
    """Itself, or the IPv4 network that it stands for; with all of IPv4 where that is a part of it."""
    if isinstance(network, ipaddress.IPv4Network):
        return [network]
    for prefix, begins in _EMBEDDING:
        if network.subnet_of(prefix):
            length = min(max(network.prefixlen - begins, 0), _BITS[4])
            shift = _BITS[6] - begins - _BITS[4]
            address = int(network.network_address) >> shift & ((1 << _BITS[4]) - 1)
            return [ipaddress.IPv4Network((address, length))]
        if network.supernet_of(prefix):
            return [network, ipaddress.IPv4Network("0.0.0.0/0")]
    return [network]
