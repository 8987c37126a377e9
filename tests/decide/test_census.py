"""The fleet as verdicts tell it."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.decide.make import HOST, verdict

from vedette.core import HostId, Label, Verdict, VerdictId
from vedette.decide import Census, FleetNow

Told = tuple[str, Label, bool]


def _verdict(number: int, told: Told) -> Verdict:
    host, label, late = told
    return replace(verdict(number, label, late=late), host=HostId(host))


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(list(Label)), st.booleans())),
    st.data(),
)
def test_the_fleet_is_the_last_word_of_each_host_however_it_is_cut_into_batches(
    course: Sequence[Told], data: st.DataObject
) -> None:
    labels: dict[HostId, Label | None] = {}
    whole = Census()
    part = Census()
    for number, told in enumerate(course):
        if data.draw(st.booleans()):
            # A new batch: counted anew, from what is stored.
            ill = sum(label is Label.ABNORMAL for label in labels.values())
            part = Census(hosts=len(labels), abnormal=ill, labels=labels)
        one = _verdict(number, told)
        labels[one.host] = labels.get(one.host) if one.late else one.label
        ill = sum(label is Label.ABNORMAL for label in labels.values())
        expected = FleetNow(hosts=len(labels), abnormal=ill)
        assert whole.take(one) == part.take(one) == expected
        assert len(whole.ill) == ill


def test_a_dead_letter_that_is_read_later_says_nothing_of_now() -> None:
    census = Census(hosts=3, labels={HOST: None})
    again = replace(verdict(1), of=VerdictId("first"))
    assert census.take(again) == FleetNow(hosts=3)
    assert census.take(verdict(2)) == FleetNow(hosts=3, abnormal=1)


def test_of_no_hosts_none_is_abnormal() -> None:
    assert FleetNow().share_abnormal == 0
