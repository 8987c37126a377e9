"""What one host tells of another: told by each, folded into numbered versions, asked by each."""

from vedette.detect.knowledge.contribution import Contribution, Share, merge
from vedette.detect.knowledge.group import Group, standing
from vedette.detect.knowledge.intervals import (
    FLEET,
    GRACE_SECONDS,
    INTERVAL_SECONDS,
    WINDOW,
    bears_on,
    begins_day,
    closes_at,
    cohort_name,
    interval_of,
    visible_at,
)
from vedette.detect.knowledge.outlook import ALONE, Knowledge, Outlook, limit
from vedette.detect.knowledge.spreading import SEVERAL, told_of_spread
from vedette.detect.knowledge.telling import Tells, Told, tell
from vedette.detect.knowledge.versions import Part, cut

__all__ = [
    "ALONE",
    "FLEET",
    "GRACE_SECONDS",
    "INTERVAL_SECONDS",
    "SEVERAL",
    "WINDOW",
    "Contribution",
    "Group",
    "Knowledge",
    "Outlook",
    "Part",
    "Share",
    "Tells",
    "Told",
    "bears_on",
    "begins_day",
    "closes_at",
    "cohort_name",
    "cut",
    "interval_of",
    "limit",
    "merge",
    "standing",
    "tell",
    "told_of_spread",
    "visible_at",
]
