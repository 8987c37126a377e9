"""The cases of the quick voice, in words."""

from vedette.detect.case import Case
from vedette.detect.vitals.falls import FALL_ATTACK, FALLEN
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.jumps import JUMPED
from vedette.detect.vitals.speech import since, usual_of
from vedette.detect.vitals.trends import TRENDED
from vedette.detect.vitals.wave import Group
from vedette.detect.vitals.words import fall, growth, how_much, jump, usual

__all__ = ["quick"]

_STEPS = 3  # looks that the pace is taken over


def quick(group: Group, place: int, kind: str, gauge_at: int, nats: float) -> Case:
    """The case of a gauge that climbs (`trend`), jumped (`jump`) or fell (`fall`) as never before."""
    gauge = GAUGES[gauge_at]
    value = float(group.gauges[place, gauge_at])
    says = {"trend": _growing, "jump": _jumped, "fall": _fallen}[kind]
    text, expected, attack = says(group, place, gauge_at, value)
    return Case(
        expert="vitals",
        subject=f"metric:{gauge.metric}",
        nats=nats,
        text=text,
        attack=attack,
        observed=how_much(gauge.form, value),
        expected=expected,
        since=since(group, place, gauge_at),
    )


def _growing(group: Group, place: int, gauge_at: int, value: float) -> tuple[str, str, None]:
    gauge, trends = GAUGES[gauge_at], group.past.fast.trends
    at = TRENDED.tolist().index(gauge_at)
    spacing = max(float(group.time.spacing[place]), float(group.fast.waited[place]), 1e-3)
    third = float(trends.third[place, at])
    past = usual(gauge, usual_of(group, place, gauge_at))
    return growth(gauge, value, (value - third) / _STEPS / spacing, past), past, None


def _jumped(group: Group, place: int, gauge_at: int, value: float) -> tuple[str, str, None]:
    gauge = GAUGES[gauge_at]
    past = usual(gauge, usual_of(group, place, gauge_at))
    looks = int(group.fast.jump.looks[place, JUMPED.tolist().index(gauge_at)])
    return jump(gauge, value, past, looks), past, None


def _fallen(group: Group, place: int, gauge_at: int, value: float) -> tuple[str, str, str]:
    gauge, falls = GAUGES[gauge_at], group.past.fast.falls
    at = FALLEN.tolist().index(gauge_at)
    least = how_much(gauge.form, float(falls.bottom[place, at]))
    before = how_much(gauge.form, float(group.fast.fall.before[place, at]))
    looks = int(group.fast.fall.looks[place, at])
    return fall(gauge, value, (before, least), looks), f"at least {least}", FALL_ATTACK[at]
