"""What a reason of blindness or youth says beside its sentence: what was seen, and what should have been."""

from vedette.detect.timeline import YOUNG

__all__ = ["seen_and_expected"]

_EXPECTED = {
    "table": "the table {rest} in full, with the columns that its rows always had",
    "metric": "a value of {rest}, as in each snapshot so far",
    "metrics": "the metrics that this host always gave, with values that can be",
    "gap": "the number after that of the snapshot before",
    "epoch": "the journal of the snapshot before",
    "pause": "a look each interval",
    "clock": "a later time than that of the look before",
    "identity": "one agent under this identity",
    "late": "snapshots in the order in which they were taken",
    "state": "what was learned of this host so far",
    "young": f"{YOUNG} snapshots before anything is called normal",
}
_ELSE = "what this host has shown so far"


def seen_and_expected(subject: str, text: str) -> tuple[str, str]:
    """In words, of a doubt with this subject and sentence. The kind is what stands before the subject's colon."""
    kind, _, rest = subject.partition(":")
    seen = f"{rest} of the numbers before this one did not come" if kind == "gap" else text
    return seen, _EXPECTED.get(kind, _ELSE).format(rest=rest)
