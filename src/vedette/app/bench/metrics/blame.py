"""Whether the metrics to blame are named first, by ours, by a plain z-score, and by chance."""

from collections.abc import Sequence

from vedette.app.bench.metrics.baselines import ZScore
from vedette.app.bench.metrics.candidate import Warmup
from vedette.app.bench.metrics.ours import NAME, Watched
from vedette.app.bench.metrics.series import Series
from vedette.learn import HitRates, chance_rates, hit_rates

__all__ = ["responsible"]


def responsible(
    series: Sequence[Series], watched: Sequence[Watched], warmup: Warmup
) -> dict[str, HitRates]:
    """Hit rates over all events with metrics to blame, by who names them; empty where the folder blames none.

    Ours sums a metric's shares of the rows of an event, each row weighing its score; the z-score its own deviations.
    """
    blamed = [(one, seen) for one, seen in zip(series, watched, strict=True) if one.blamed]
    if not blamed:
        return {}
    z = ZScore()

    def by_z(one: Series) -> HitRates:
        deviations = z.deviations(one, warmup)
        sums = [deviations[blame.first : blame.last + 1].sum(axis=0) for blame in one.blamed]
        return hit_rates(one.blamed, sums)

    return {
        NAME: HitRates.mean([hit_rates(one.blamed, seen.shares) for one, seen in blamed]),
        z.name: HitRates.mean([by_z(one) for one, _ in blamed]),
        "chance": HitRates.mean([chance_rates(one.blamed, one.size) for one, _ in blamed]),
    }
