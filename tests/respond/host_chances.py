"""What may happen in the machine of host lives, and how often."""

from typing import Final

from hypothesis import strategies as st
from tests.respond.host_line import LIES, TROUBLES, Fate
from tests.respond.stage import COUNT

__all__ = [
    "ACTED",
    "ALL",
    "AT",
    "BETWEEN",
    "FATE",
    "KEPT",
    "LAST",
    "LYING",
    "NEAR",
    "ROUND",
    "THEN",
    "UNDOING",
    "Round",
]

# What happens is about few of the hosts, where it can collide: one cohort's, and one of the other.
ACTED: Final = COUNT // 2 + 1
NEAR: Final = st.integers(0, ACTED - 1)
# What may happen between a proposal and its beginning.
BETWEEN: Final = (*[""] * 9, "revoke", "close", "maintain", "silence", "switch", "switch")
# At which write a responder dies, or is overtaken.
AT: Final = (
    "live",
    "note:rival",
    "note:before",
    "note:after",
    "put:before",
    "put:rival",
    "wake:before",
)
# While leases are kept.
KEPT: Final = ("live", "put:before", "put:before", "note:rival")
# Between an approval and its beginning.
THEN: Final = ("", "leave", "leave", "storm", "storm", "maintain", "close", "revoke")
# What comes to all hosts at once: and hinders none; and at the end, where hosts die in what all is called off by.
ALL: Final = ("once", "once", "reboots", "nonce after a start", "expired", "misdirected")
LAST: Final = ("dies", "nonce after a start", "expired", "misdirected")
Bad = tuple[int, Fate]
Round = tuple[list[str], list[str], int, list[Bad], int]
TOLD: Final = st.lists(st.sampled_from(["taken", "taken", "lost", "unheard"]), max_size=4).map(
    tuple
)
FATE: Final = st.builds(
    Fate,
    how=st.sampled_from(TROUBLES),
    lie=st.sampled_from(LIES),
    told=TOLD,
    at=st.integers(0, 24),
)
LYING: Final = st.builds(
    Fate, lie=st.sampled_from(["claims", "stretches", *[one for one in LIES if one]])
)
# Of what undoes something: it must be told again.
UNDOING: Final = st.builds(
    Fate,
    how=st.sampled_from(["once", "dies", "dies", "lost", "wrong time"]),
    told=TOLD,
    at=st.integers(0, 24),
)
ROUND: Final = st.tuples(
    st.lists(st.sampled_from(["live", "live", "live", "before", "after", "rival"]), max_size=6),
    st.lists(
        st.sampled_from(["accept", "later", "never", "crash before", "crash after"]), max_size=2
    ),
    st.sampled_from([0, 0, 1]),
    st.lists(st.tuples(NEAR, FATE), max_size=3),
    st.sampled_from([0, 1, 31, 301, 901]),
)
