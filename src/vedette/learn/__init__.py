"""Train and evaluate: from recordings to a model bundle, and from a bundle to figures."""

from vedette.learn.build import build_bundle
from vedette.learn.cause import named_at, names_cause
from vedette.learn.evaluate import (
    BenignKind,
    FalseAlarm,
    Figures,
    FoundSegment,
    Look,
    Progress,
    replay,
    tally,
)
from vedette.learn.events import (
    DAY,
    EventCounts,
    best_events,
    count_events,
    group_alarms,
    near_events,
)
from vedette.learn.intervals import bootstrap_interval, poisson_interval
from vedette.learn.ranking import auprc, auroc, runs, vus_pr
from vedette.learn.recording import Recording, file_digest, group_by_host, read_recording
from vedette.learn.responsible import Blame, HitRates, chance_rates, hit_rates
from vedette.learn.segment import GRACE, Segment, read_segments

__all__ = [
    "DAY",
    "GRACE",
    "BenignKind",
    "Blame",
    "EventCounts",
    "FalseAlarm",
    "Figures",
    "FoundSegment",
    "HitRates",
    "Look",
    "Progress",
    "Recording",
    "Segment",
    "auprc",
    "auroc",
    "best_events",
    "bootstrap_interval",
    "build_bundle",
    "chance_rates",
    "count_events",
    "file_digest",
    "group_alarms",
    "group_by_host",
    "hit_rates",
    "named_at",
    "names_cause",
    "near_events",
    "poisson_interval",
    "read_recording",
    "read_segments",
    "replay",
    "runs",
    "tally",
    "vus_pr",
]
