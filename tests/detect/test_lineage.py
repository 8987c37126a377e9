"""Who started a process, as far as it is seen: circles and endless lines that a host may send come to an end."""

from vedette.core import Row
from vedette.detect.lineage import lineage


def rows(parents: dict[str, int]) -> dict[str, Row]:
    return {pid: {"pid": int(pid), "parent": above} for pid, above in parents.items()}


def test_the_nearest_comes_first() -> None:
    seen = rows({"1": 0, "7": 1, "9": 7})
    assert list(lineage("9", seen)) == ["9", "7", "1"]


def test_it_ends_where_nobody_is_seen() -> None:
    assert list(lineage("9", rows({"9": 8}))) == ["9"]
    assert list(lineage("8", rows({"9": 8}))) == []


def test_who_is_said_to_have_started_itself_comes_once() -> None:
    assert list(lineage("9", rows({"9": 9}))) == ["9"]


def test_a_circle_ends() -> None:
    circle = list(lineage("8", rows({"8": 9, "9": 8})))
    assert set(circle) == {"8", "9"}
    assert len(circle) < 20


def test_a_long_line_is_not_followed_to_its_end() -> None:
    many = rows({str(pid): pid - 1 for pid in range(2, 1_000)})
    assert len(list(lineage("999", many))) < 20
