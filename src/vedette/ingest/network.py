"""Whose address a request comes from, as far as it tells strangers apart."""

from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network
from typing import Any

from litestar import Request

__all__ = ["network_of"]


def network_of(request: Request[Any, Any, Any]) -> str:
    """The IPv4 address, or the IPv6 /64: that much one customer commonly holds whole (RFC 6177), so less tells nobody apart.

    What is no address, such as a Unix socket's peer, is one network of its own.
    """
    text = request.client.host if request.client else ""
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        pass
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return ""
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))
