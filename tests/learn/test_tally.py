"""What is counted of alarms on labelled recordings."""

from typing import Any, Literal

import pytest

from vedette.core import Label, Reason
from vedette.learn import Look, Segment, named_at, tally

FILE = "web-1.test.jsonl.gz"


def reason(subject: str, text: str = "", attack: str | None = None) -> Reason:
    return Reason(expert="inventory", subject=subject, text=text, attack=attack, share=1.0)


def segment(
    first: int,
    last: int,
    technique: str = "T1053.003",
    what: str = "cron.d entry runs a hidden script",
    kind: Literal["abnormal", "benign-change"] = "abnormal",
) -> Segment:
    return Segment(
        file=FILE,
        host="web-1",
        from_seq=first,
        to_seq=last,
        kind=kind,
        technique=technique,
        what=what,
    )


def looks(alarms: dict[int, tuple[Reason, ...]], opened: set[int], count: int = 100) -> list[Look]:
    return [
        Look(
            file=FILE,
            host="web-1",
            seq=seq,
            label=Label.ABNORMAL if seq in alarms else Label.NORMAL,
            reasons=alarms.get(seq, ()),
            opened=f"i{seq}" if seq in opened else None,
        )
        for seq in range(1, count + 1)
    ]


def test_a_segment_is_found_by_an_alarm_within_it_and_not_in_its_grace() -> None:
    said: dict[int, tuple[Reason, ...]] = {
        seq: (reason("cron:/etc/cron.d/x"),) for seq in (23, 24, 62)
    }
    figures = tally(looks(said, {23, 62}), [segment(20, 30), segment(50, 60)])
    assert [found.delay for found in figures.segments] == [3, None]
    assert figures.within(2) == 0
    assert figures.within(3) == 1
    assert not figures.false_incidents, "snapshot 62 is within the second one's grace"


def test_time_and_alarms_outside_of_abnormal_segments_and_their_grace_are_what_is_false() -> None:
    said: dict[int, tuple[Reason, ...]] = {seq: (reason("cron:/x"),) for seq in (5, 9, 14, 34, 35)}
    figures = tally(looks(said, {5, 34}), [segment(20, 30)])
    assert figures.quiet_days == (100 - 14) / 1440
    assert [(one.from_seq, one.to_seq) for one in figures.false_episodes] == [
        (5, 9),
        (14, 14),
        (34, 35),
    ]
    assert [one.from_seq for one in figures.false_incidents] == [5, 34]
    assert figures.summary()["false_incidents_per_host_day"] == round(2 / (86 / 1440), 2)


def test_what_opened_in_a_harmless_change_is_counted_by_its_kind() -> None:
    deploys = [
        segment(10, 20, "deploy", "new version", "benign-change"),
        segment(40, 50, "deploy", "new version", "benign-change"),
    ]
    figures = tally(looks({15: (), 53: ()}, {15, 53}), deploys)
    assert figures.benign["deploy"].segments == 2
    assert figures.benign["deploy"].incidents == 2
    assert figures.benign["deploy"].episodes == 2


def test_an_alarm_that_was_there_before_the_segment_is_told() -> None:
    figures = tally(looks({19: (), 20: ()}, set()), [segment(20, 30)])
    assert figures.segments[0].before
    assert figures.segments[0].delay == 0
    assert not figures.segments[0].is_named


def test_labels_of_other_files_do_not_count() -> None:
    other = Segment(
        file="b", host="web-1", from_seq=1, to_seq=2, kind="abnormal", technique="T1", what=""
    )
    assert tally(looks({}, set()), [other]).segments == ()


def test_a_cause_that_comes_fourth_is_not_named() -> None:
    said = (reason("a"), reason("b"), reason("c"), reason("cron:/etc/cron.d/x"))
    figures = tally(looks({20: said}, set()), [segment(20, 30)])
    assert figures.segments[0].named == 4
    assert figures.named == 0


@pytest.mark.parametrize(
    ("technique", "what", "named", "other"),
    [
        ("T1053.003", "cron.d entry runs a script", ("cron:/etc/cron.d/x", ""), ("user:x", "new user")),
        ("T1098.004", "foreign key added for root", ("key:/root/.ssh", ""), ("metric:cpu", "busy")),
        ("T1136.001", "new user with uid 0", ("user:evil", ""), ("unit:a.service", "a new unit")),
        ("T1548.001", "suid copy of a shell", ("suid:/tmp/.sh", ""), ("hash:/etc/passwd", "")),
        ("T1046", "internal port sweep", ("p", "talks to 30 different peers"), ("p", "new program")),
        ("T1070.004", "process whose program was deleted", ("p", "its program was deleted"), ("p", "a")),
        ("ops.memory-leak", "a helper leaks", ("m", "Memory utilization 60 %"), ("m", "CPU is high")),
        ("ops.fork-storm", "bounded fork storm", ("m", "Processes created: 90"), ("m", "memory")),
        ("T1574", "changed /etc/ld.so.preload", ("hash:/etc/ld.so.preload", ""), ("hash:/etc/passwd", "")),
        ("T1490", "nothing that is known here", ("x", "", "T1490"), ("x", "", "T1491")),
    ],
)  # fmt: skip
def test_a_reason_names_the_cause_by_technique_path_or_thing(
    technique: str, what: str, named: tuple[Any, ...], other: tuple[Any, ...]
) -> None:
    label = segment(1, 2, technique, what)
    assert named_at(label, [reason(*other), reason(*named)]) == 2
    assert named_at(label, [reason(*other)]) is None
