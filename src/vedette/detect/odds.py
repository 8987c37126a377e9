"""Log odds of hostile against normal for one new thing, from rates per host-day.

A host-day is 1,440 snapshots: one look a minute. A hostile act shows a kind of evidence with probability `seen`; a
normal host shows a new one `rate` times a day. The rate is learned: a Gamma-Poisson mean of the reviewed prior, the
fleet the model bundle was made from, and the host's own life.
"""

from math import log

from vedette.core import Record

__all__ = [
    "DAY",
    "HOSTILE_PER_DAY",
    "QUESTION",
    "THRESHOLD",
    "WORTH_TELLING",
    "Evidence",
    "nats",
    "rate",
]

DAY = 1440.0
HOSTILE_PER_DAY = (
    0.001  # one act in about three years of a host: what the threshold's cost ratio refers to
)
THRESHOLD = (
    -6.0
)  # about 400 looks accepted per hit; the highest harmless case in baselines plus two nats

WORTH_TELLING = -6.0  # nats over the threshold under which a case adds nothing to the judgement
QUESTION = 1.0  # nats over the threshold: enough to ask, too little to be severe

_PRIOR_DAYS = 10.0  # how long a fleet must be watched to outweigh the reviewed prior
_FLEET_DAYS = 3.0  # how long a host must be watched to outweigh the fleet
_MOST = 8.0  # nor does what a host does itself, however often, excuse more than two nats
_LEAST = 0.25  # a long quiet life lowers a rate at most to this part: habits change


class Evidence(Record, frozen=True, kw_only=True):
    """One kind of evidence. `why` justifies the two numbers in a word; `attack` is an ATT&CK technique id.

    `operated` is the rate while a person with a login session is at work on the thing (None: the same). `hard`
    evidence is excused neither by a package change nor by being known on other hosts. Evidence that only `asks` is
    what people do as well as intruders: it never weighs more than `QUESTION`.
    """

    seen: float
    rate: float
    why: str
    attack: str | None = None
    text: str = ""
    operated: float | None = None
    hard: bool = False
    asks: bool = False


def rate(prior: float, *, fleet: float, fleet_days: float, host: float, host_days: float) -> float:
    """Learned normal rate per host-day; `fleet` and `host` are counts of normal occurrences in those days."""
    usual = (prior * _PRIOR_DAYS + fleet) / (_PRIOR_DAYS + fleet_days)
    own = (usual * _FLEET_DAYS + host) / (_FLEET_DAYS + host_days)
    return min(max(own, usual * _LEAST), usual * _MOST)


def nats(seen: float, normal_rate: float) -> float:
    """Log posterior odds over the threshold: above 0 is worth an alarm."""
    return log(HOSTILE_PER_DAY * seen / normal_rate) - THRESHOLD
