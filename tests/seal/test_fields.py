"""Structured Fields: the parser agrees with an independent one, and refuses what it can't bound."""

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.seal.fields import FieldError, InnerList, Item, parse_dictionary, serialize

keys = st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True)
strings = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
values = st.one_of(
    strings, st.booleans(), st.binary(max_size=12), st.integers(-(10**15) + 1, 10**15 - 1)
)
parameters = st.dictionaries(keys, values, max_size=4)
items = st.builds(Item, values, parameters)
members = st.one_of(items, st.builds(InnerList, st.lists(items, max_size=4).map(tuple), parameters))


def keys_by_oracle(text: str) -> list[str]:
    parsed = http_sf.parse(text.encode(), tltype="dictionary")
    assert isinstance(parsed, dict)
    return list(parsed)


@given(st.dictionaries(keys, members, min_size=1, max_size=4))
def test_what_is_serialised_is_parsed_to_the_same(given_members: dict[str, Item]) -> None:
    text = ", ".join(f"{key}={serialize(member)}" for key, member in given_members.items())
    assert parse_dictionary(text) == given_members


@given(st.dictionaries(keys, members, min_size=1, max_size=4))
def test_an_independent_parser_reads_the_same_keys(given_members: dict[str, Item]) -> None:
    text = ", ".join(f"{key}={serialize(member)}" for key, member in given_members.items())
    assert keys_by_oracle(text) == list(given_members)


@given(st.text(st.sampled_from(list('ab=,;()" :?1-0\\*\t')), max_size=30))
def test_whatever_we_accept_an_independent_parser_accepts(text: str) -> None:
    try:
        ours = parse_dictionary(text)
    except FieldError:
        return
    assert sorted(ours) == sorted(keys_by_oracle(text) if text.strip(" ") else [])


def test_a_repeated_key_keeps_its_last_value() -> None:
    assert parse_dictionary("a=1, b=2, a=3") == {"b": Item(2, {}), "a": Item(3, {})}


def test_a_bare_key_is_true_and_keeps_its_parameters() -> None:
    assert parse_dictionary("a;x=1, b") == {"a": Item(True, {"x": 1}), "b": Item(True, {})}


@pytest.mark.parametrize(
    "text",
    [
        "a=1,",
        "a=1 b=2",
        "A=1",
        "a=",
        'a="',
        'a="\x7f"',
        "a=:?:",
        "a=:A:",
        "a=?2",
        "a=(1",
        "a=(1;2)",
        "a=(1\t2)",
        "a=1;;",
        "=1",
    ],
)
def test_a_malformed_field_is_refused(text: str) -> None:
    with pytest.raises(FieldError):
        parse_dictionary(text)


@pytest.mark.parametrize(
    "text",
    [
        "a=" + "x" * 9000,
        ",".join(f"k{i}=1" for i in range(40)),
        "a=(" + "1 " * 40 + ")",
        "a=1" + "".join(f";p{i}" for i in range(40)),
    ],
)
def test_a_field_over_a_bound_is_refused(text: str) -> None:
    with pytest.raises(FieldError):
        parse_dictionary(text)


def test_a_string_that_can_not_stand_in_a_field_is_not_serialised() -> None:
    for text in ("é", "a\n", "\x00"):
        with pytest.raises(FieldError):
            serialize(Item(text, {}))
