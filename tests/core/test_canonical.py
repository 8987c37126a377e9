"""Canonical rows and table digests."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import Row, canonical_row, table_digest

CELLS = (
    st.none()
    | st.booleans()
    | st.text()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 8785, appendix B.
        (5e-324, "5e-324"),
        (-5e-324, "-5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (-9007199254740992.0, "-9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (999999999999999700000.0, "999999999999999700000"),
        (1e21, "1e+21"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.000001, "0.000001"),
        (333333333.3333332, "333333333.3333332"),
        (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (-0.0, "0"),
        (4.5, "4.5"),
        (2.0, "2"),
    ],
)
def test_numbers_are_written_as_rfc_8785_shows_them(value: float, text: str) -> None:
    assert canonical_row({"x": value}) == f'{{"x":{text}}}'.encode()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(value: float) -> None:
    assert math.isclose(json.loads(canonical_row({"x": value}))["x"], value, rel_tol=0, abs_tol=0)


@given(st.dictionaries(st.text(max_size=4), CELLS, max_size=5))
def test_the_order_of_columns_is_free(row: Row) -> None:
    assert canonical_row(row) == canonical_row(dict(reversed(row.items())))


def test_keys_are_sorted_by_utf_16_units() -> None:
    assert canonical_row({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


def test_the_order_of_rows_is_free_but_their_number_is_not() -> None:
    first: Row = {"a": 1}
    second: Row = {"a": 2}
    assert table_digest([first, second]) == table_digest([second, first])
    assert table_digest([first]) != table_digest([first, first])


def test_an_empty_table_has_the_digest_of_an_empty_array() -> None:
    assert (
        table_digest([])
        == "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    )
