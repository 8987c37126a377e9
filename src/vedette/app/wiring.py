"""Opens what the processes share: store, queue and policies, from settings."""

import ssl
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from vedette.app.clouds import check_clouds
from vedette.app.destinations import check_told, destinations_of
from vedette.app.settings import Settings
from vedette.core import Clock, ConfigError, InvalidInput
from vedette.decide import OnCall, PolicySet
from vedette.queue import SqlQueue
from vedette.respond import ANYWHERE, Destinations, schemas
from vedette.store import Store

__all__ = [
    "check_files",
    "load_policies",
    "oncall_from",
    "open_queue",
    "open_store",
    "opened_store",
    "parse_oncall",
    "parse_policies",
    "policies_from",
]


def open_store(settings: Settings, clock: Clock) -> Store:
    """The store that the settings name."""
    return Store(settings.store_url, clock)


@contextmanager
def opened_store(settings: Settings, clock: Clock) -> Iterator[Store]:
    """The server's store for the length of a block, its schema brought up to date.

    Raises:
        ConfigError: no server has run with these settings yet.
    """
    if not settings.store.url and not (settings.data / "store.sqlite").is_file():
        # A new, empty store in the wrong folder would take the token, and the server would not know it.
        raise ConfigError(
            f"there is no store in {settings.data}: start the server once with `vedette up`, or name its "
            "settings with --config or VEDETTE_CONFIG"
        )
    store = open_store(settings, clock)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


def open_queue(settings: Settings, clock: Clock) -> SqlQueue:
    """The queue that the settings name."""
    kept = timedelta(days=settings.queue.dead_letter_days)
    return SqlQueue(
        settings.queue_url,
        clock,
        dead_letter_retention=kept,
        dead_letter_bytes=settings.queue.dead_letter_mib << 20,
    )


def parse_policies(
    text: str,
    destinations: Destinations = ANYWHERE,
    *,
    chains: Collection[str] | None = None,
) -> PolicySet:
    """Policies checked against the actions that this version has, against whom they may tell, and the chains if these are known."""
    return PolicySet.parse(text, kinds=schemas(destinations), chains=chains)


def parse_oncall(text: str, destinations: Destinations = ANYWHERE) -> OnCall:
    """An on-call document checked against the actions that this version has, and against whom they may tell."""
    return OnCall.parse(text, kinds=schemas(destinations))


def oncall_from(path: Path) -> OnCall:
    """The on-call document in a file.

    Raises:
        ConfigError: the file can't be read, or is wrong: where, and why.
    """
    try:
        return parse_oncall(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"can't read the on-call document {path}: {error.strerror}") from error
    except (InvalidInput, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def check_files(settings: Settings) -> None:
    """Reads the files that the settings name, as the processes will.

    Raises:
        ConfigError: one of them can't be used.
    """
    check_told(settings)
    check_clouds(settings)
    load_policies(settings)
    # No process that starts needs this file's other functions together with all of the detector.
    from vedette.app.detecting import load_detector

    load_detector(
        Path(settings.detector.model) if settings.detector.model else None,
        budget=settings.detector.budget,
    )
    if settings.mail.ca_file:
        try:
            ssl.create_default_context(cafile=settings.mail.ca_file)
        except OSError as error:
            raise ConfigError(
                f"mail.ca_file {settings.mail.ca_file} holds no certificate to trust "
                f"({error.strerror or error})"
            ) from error


def policies_from(
    path: Path | None,
    destinations: Destinations = ANYWHERE,
    *,
    chains: Collection[str] | None = None,
) -> PolicySet:
    """The policies of a file, or the shipped ones; the rest as for `parse_policies`.

    Raises:
        ConfigError: the file can't be read, or is wrong: where, and why.
    """
    if path is None:
        return PolicySet.default(kinds=schemas())
    try:
        return parse_policies(path.read_text(encoding="utf-8"), destinations, chains=chains)
    except OSError as error:
        raise ConfigError(f"can't read the policies {path}: {error.strerror}") from error
    except (InvalidInput, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def load_policies(settings: Settings) -> PolicySet:
    """The policies that the settings name."""
    return policies_from(
        Path(settings.respond.policies).expanduser() if settings.respond.policies else None,
        destinations_of(settings),
    )
