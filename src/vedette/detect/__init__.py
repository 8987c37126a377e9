"""Features, experts, judge, reasons: a snapshot and its host's state give a verdict and the next state. No I/O."""

from vedette.detect.behaviour import subjects_of_process
from vedette.detect.bundle import Bundle, DataFile, Manifest, pack_bundle
from vedette.detect.case import Case
from vedette.detect.combination import (
    ABSENT,
    AMONG,
    COUNTED,
    LOUDEST,
    SCALED,
    VOICES,
    Combination,
    Scale,
    expert_of,
)
from vedette.detect.detector import Detector
from vedette.detect.expert import Expert
from vedette.detect.experts import EXPERTS, FITS, Fit, make_experts
from vedette.detect.facts import fact_id
from vedette.detect.judge import BUDGETS, REFERENCE, JudgePart, Weighed
from vedette.detect.knowledge import (
    FLEET,
    Contribution,
    Group,
    Knowledge,
    Part,
    bears_on,
    begins_day,
    closes_at,
    cohort_name,
    cut,
    interval_of,
    standing,
    visible_at,
)
from vedette.detect.rarity import FleetTail, Rarity
from vedette.detect.scored import Arrival, Scored
from vedette.detect.tables import KNOWN_TABLES
from vedette.detect.timeline import YOUNG
from vedette.detect.uncollected import collected_seldom
from vedette.detect.view import View
from vedette.detect.vitals import StreamReading, VitalsStream
from vedette.detect.warm import WARM

__all__ = [
    "ABSENT",
    "AMONG",
    "BUDGETS",
    "COUNTED",
    "EXPERTS",
    "FITS",
    "FLEET",
    "KNOWN_TABLES",
    "LOUDEST",
    "REFERENCE",
    "SCALED",
    "VOICES",
    "WARM",
    "YOUNG",
    "Arrival",
    "Bundle",
    "Case",
    "Combination",
    "Contribution",
    "DataFile",
    "Detector",
    "Expert",
    "Fit",
    "FleetTail",
    "Group",
    "JudgePart",
    "Knowledge",
    "Manifest",
    "Part",
    "Rarity",
    "Scale",
    "Scored",
    "StreamReading",
    "View",
    "VitalsStream",
    "Weighed",
    "bears_on",
    "begins_day",
    "closes_at",
    "cohort_name",
    "collected_seldom",
    "cut",
    "expert_of",
    "fact_id",
    "interval_of",
    "make_experts",
    "pack_bundle",
    "standing",
    "subjects_of_process",
    "visible_at",
]
