"""All entries of the coverage."""

from tests.detect.coverage import (
    accounts,
    at_work,
    damage,
    doors,
    evasions,
    executions,
    faults,
    files,
    gauged,
    handmade,
    harmless,
    load,
    spreading,
    starters,
    strangers,
    turned,
)
from tests.detect.coverage.entry import Entry

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    *accounts.ENTRIES,
    *starters.ENTRIES,
    *files.ENTRIES,
    *doors.ENTRIES,
    *executions.ENTRIES,
    *evasions.ENTRIES,
    *spreading.ENTRIES,
    *damage.ENTRIES,
    *turned.ENTRIES,
    *faults.ENTRIES,
    *gauged.ENTRIES,
    *harmless.ENTRIES,
    *at_work.ENTRIES,
    *handmade.ENTRIES,
    *strangers.ENTRIES,
    *load.ENTRIES,
)
