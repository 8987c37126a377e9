"""All entries of the coverage."""

from tests.detect.coverage import accounts, doors, files, harmless, starters
from tests.detect.coverage.entry import Entry

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    *accounts.ENTRIES,
    *starters.ENTRIES,
    *files.ENTRIES,
    *doors.ENTRIES,
    *harmless.ENTRIES,
)
