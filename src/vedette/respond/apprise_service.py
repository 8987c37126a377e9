"""Hands a message to Apprise, which knows about a hundred chat and paging services by one URL each."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from vedette.core import Severity
from vedette.respond.destinations import Channel
from vedette.respond.telling import Answer

__all__ = ["is_service", "send"]

_LOGGER = "apprise"
_LONGEST_SECONDS = 30
_STATUS = re.compile(r"\berror=([1-5][0-9]{2})\b")
_TYPES = {
    Severity.NONE: "info",
    Severity.LOW: "info",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "warning",
    Severity.CRITICAL: "failure",
}


class _Statuses(logging.Handler):
    """Keeps HTTP statuses and nothing else: Apprise's lines may hold tokens and what a service answered."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Takes the status out of a line."""
        self.found.extend(_STATUS.findall(record.getMessage()))


def is_service(url: str) -> bool:
    """Whether Apprise knows the service and can read the URL. Sends nothing."""
    from apprise import Apprise

    with _quiet():
        return Apprise.instantiate(url) is not None


def send(channel: Channel, *, title: str, body: str, severity: Severity, good: bool) -> Answer:
    """One attempt. Apprise says only whether it worked, so whatever did not may work later."""
    from apprise import (
        Apprise,
        AppriseAsset,
        AppriseResultStatus,
        NotifyFormat,
        NotifyType,
        PersistentStoreMode,
    )

    asset = AppriseAsset(
        app_id="Vedette",
        app_desc="Vedette",
        app_url="",
        # What is told goes where the settings say.
        http_redirects=False,
        async_mode=False,
        plugin_paths=[],
        secure_logging=True,
        # Some services keep tokens on disk otherwise.
        storage_mode=PersistentStoreMode.MEMORY,
    )
    with _quiet() as statuses:
        service = Apprise(asset=asset)
        if not service.add(channel.url):
            return Answer(
                verdict="never",
                words=f"Apprise does not understand its URL; set chat.{channel.name}.url",
            )
        done = service.notify(
            title=title,
            body=body,
            notify_type=NotifyType.SUCCESS if good else NotifyType(_TYPES[severity]),
            body_format=NotifyFormat.TEXT,
            timeout=_LONGEST_SECONDS,
        )
    if done:
        return Answer(verdict="accepted", words="Apprise: sent")
    if done.status is AppriseResultStatus.TIMEOUT:
        return Answer(
            verdict="later",
            words=f"no answer within {_LONGEST_SECONDS} seconds; it may have been told all the same",
        )
    status = f" (HTTP {statuses.found[-1]})" if statuses.found else ""
    return Answer(
        verdict="later", words=f"Apprise could not send it{status}; it says no more than that"
    )


@contextmanager
def _quiet() -> Iterator[_Statuses]:
    logger = logging.getLogger(_LOGGER)
    statuses = _Statuses()
    before, level = logger.propagate, logger.level
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logger.addHandler(statuses)
    try:
        yield statuses
    finally:
        logger.removeHandler(statuses)
        logger.propagate = before
        logger.setLevel(level)
