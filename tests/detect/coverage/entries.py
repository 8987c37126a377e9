"""All entries of the coverage."""

from tests.detect.coverage import (
    accounts,
    at_work,
    callers,
    damage,
    doors,
    evasions,
    executions,
    faults,
    files,
    further,
    gauged,
    handmade,
    harmless,
    kernel,
    load,
    managed,
    scheduled,
    services,
    spreading,
    strangers,
    turned,
    units,
)
from tests.detect.coverage.entry import Entry

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    *accounts.ENTRIES,
    *scheduled.ENTRIES,
    *units.ENTRIES,
    *kernel.ENTRIES,
    *files.ENTRIES,
    *doors.ENTRIES,
    *executions.ENTRIES,
    *evasions.ENTRIES,
    *spreading.ENTRIES,
    *damage.ENTRIES,
    *further.ENTRIES,
    *turned.ENTRIES,
    *faults.ENTRIES,
    *gauged.ENTRIES,
    *harmless.ENTRIES,
    *services.ENTRIES,
    *at_work.ENTRIES,
    *callers.ENTRIES,
    *handmade.ENTRIES,
    *strangers.ENTRIES,
    *load.ENTRIES,
    *managed.ENTRIES,
)
