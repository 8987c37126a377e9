"""Opens what the processes share: store, queue, model and policies, from settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vedette.app.settings import Settings
from vedette.core import Clock, ConfigError, InvalidInput
from vedette.decide import PolicySet
from vedette.detect import Bundle, Detector
from vedette.queue import SqlQueue
from vedette.respond import schemas
from vedette.store import Store

__all__ = [
    "load_detector",
    "load_policies",
    "open_queue",
    "open_store",
    "opened_store",
    "parse_policies",
    "policies_from",
]


def open_store(settings: Settings, clock: Clock) -> Store:
    """The store that the settings name."""
    return Store(settings.store_url, clock)


@contextmanager
def opened_store(settings: Settings, clock: Clock) -> Iterator[Store]:
    """The store for the length of a block, its schema brought up to date."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(settings, clock)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


def open_queue(settings: Settings, clock: Clock) -> SqlQueue:
    """The queue that the settings name."""
    return SqlQueue(settings.queue_url, clock)


def load_detector(model: Path | None) -> Detector:
    """A detector with the bundle in this folder, or the shipped one."""
    return Detector(Bundle.load(model) if model else Bundle.shipped())


def parse_policies(text: str) -> PolicySet:
    """Policies checked against the actions that this version has."""
    return PolicySet.parse(text, kinds=schemas())


def policies_from(path: Path | None) -> PolicySet:
    """The policies of a file, or the shipped ones.

    Raises:
        ConfigError: the file can't be read, or is wrong: where, and why.
    """
    if path is None:
        return PolicySet.default(kinds=schemas())
    try:
        return parse_policies(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"can't read the policies {path}: {error.strerror}") from error
    except (InvalidInput, UnicodeDecodeError) as error:
        raise ConfigError(f"policies {path}: {error}") from error


def load_policies(settings: Settings) -> PolicySet:
    """The policies that the settings name."""
    return policies_from(
        Path(settings.respond.policies).expanduser() if settings.respond.policies else None
    )
