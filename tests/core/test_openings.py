"""Exceptions are bounded one by one and together, by the space that they cover, whatever they are cut into."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import MOST_OPENINGS, Network, too_much, too_wide


def networks(*texts: str) -> list[Network]:
    return [ipaddress.ip_network(one) for one in texts]


@pytest.mark.parametrize(
    "given",
    [
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/16", "2001:db8::/32"],
        ["10.0.0.0/8", "11.0.0.0/8", "2000::/16", "2001::/16"],
        ["10.0.0.0/8"] * 200,
        ["10.0.0.0/8", "11.0.0.0/8", *(f"10.0.{n}.0/24" for n in range(60))],
        [],
    ],
)
def test_what_may_stay_reachable(given: list[str]) -> None:
    assert too_much(networks(*given)) == ""
    assert [too_wide(one) for one in networks(*given) if too_wide(one)] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["0.0.0.0/1", "128.0.0.0/1"], "cover 256 times a /8 of IPv4; at most 2 times"),
        (
            ["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/32"],
            "cover more than 2 times a /8 of IPv4; at most 2 times",
        ),
        (["::/1", "8000::/1"], "cover 65536 times a /16 of IPv6"),
        (["2000::/16", "2001::/16", "2003::/128"], "cover more than 2 times a /16 of IPv6"),
        ([f"192.0.2.{n}/32" for n in range(MOST_OPENINGS + 1)], "65 networks are too many"),
    ],
)
def test_what_would_leave_nothing_of_being_cut_off(given: list[str], words: str) -> None:
    assert words in too_much(networks(*given))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("64:ff9b::/96", "0.0.0.0/0"),
        ("2002::/16", "0.0.0.0/0"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:8.0.0.0/103", "8.0.0.0/7"),
        ("2002:a00::/20", "0.0.0.0/4"),
        ("64:ff9b::/64", "0.0.0.0/0"),
        ("64:ff9b:1::/48", "0.0.0.0/0"),
        ("64:ff9b:1:a00::/56", "0.0.0.0/0"),
        ("64:ff9b:1:fffe::/96", "0.0.0.0/0"),
        ("64:ff9b:1:fffe::a00:0/103", "10.0.0.0/7"),
        ("64:ff9b::/47", "0.0.0.0/0"),
        ("::/16", "0.0.0.0/0"),
    ],
)
def test_what_stands_for_ipv4_is_as_wide_as_that(text: str, meant: str) -> None:
    given = ipaddress.ip_network(text, strict=False)
    assert too_wide(given) == (
        f"{given}, which has {meant} of IPv4 in it, is too wide to be an exception; at most a /8"
    )


@given(
    st.integers(8, 32),
    st.integers(0, 2**32 - 1),
    st.sampled_from(
        [
            ("::ffff:0:0", 96, 0),
            ("64:ff9b::", 96, 0),
            ("64:ff9b:1::", 96, 0),
            ("64:ff9b:1:2:3:4::", 96, 0),
            ("2002::", 16, 80),
        ]
    ),
)
def test_what_stands_for_ipv4_is_counted_with_it(
    length: int, address: int, form: tuple[str, int, int]
) -> None:
    prefix, bits, shift = form
    four = ipaddress.IPv4Network((address, length), strict=False)
    start = int(ipaddress.IPv6Address(prefix)) + (int(four.network_address) << shift)
    six = ipaddress.ip_network((start, bits + length))
    assert too_wide(six) == ""
    two = networks("10.0.0.0/8", "11.0.0.0/8")
    inside = any(four.subnet_of(one) for one in two if isinstance(one, ipaddress.IPv4Network))
    assert bool(too_much([*two, six])) is not inside


@given(
    st.integers(0, 5),
    st.integers(0, 6),
    st.sampled_from(
        [ipaddress.IPv4Network("8.0.0.0/5"), ipaddress.IPv6Network("2000::/13")],
    ),
)
def test_cutting_a_network_up_changes_nothing(start: int, cuts: int, wide: Network) -> None:
    """Of one that is too wide, too, though each of its parts is not."""
    assert too_much([wide])
    assert too_much(list[Network](wide.subnets(prefixlen_diff=cuts)))
    narrow = ipaddress.ip_network(f"{wide.network_address}/{wide.prefixlen + 3 + start}")
    assert too_much(list[Network](narrow.subnets(prefixlen_diff=min(cuts, 5)))) == ""
