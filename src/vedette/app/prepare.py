"""Makes a data folder ready: keys, certificates, schemas. Safe to repeat; runs before the server's processes."""

import structlog

from vedette.app.damage import refuse_damage
from vedette.app.keys import KeyFiles
from vedette.app.settings import Settings
from vedette.app.wiring import open_queue, open_store
from vedette.core import SystemClock
from vedette.seal import Authority

__all__ = ["prepare"]

_log = structlog.get_logger()


def prepare(settings: Settings) -> None:
    """Makes what is missing and brings schemas up to date.

    Raises:
        Unavailable: (damaged-data) a file of the store or the queue is damaged.
        ConfigError: a key is missing or damaged, or a schema is newer than this program.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = KeyFiles(settings)
    keys.make_missing()
    if (keys.tls / "ca.pem").exists():
        renewed = Authority.load(keys.tls).renew_if_due(settings.server.names)
        if renewed:
            _log.info("certificate.renewed")
    else:
        keys.tls.mkdir(mode=0o700, exist_ok=True)
        Authority.create(keys.tls, settings.server.names)
        _log.info("authority.created")
    refuse_damage(settings)
    clock = SystemClock()
    store = open_store(settings, clock)
    store.migrate()
    store.close()
    open_queue(settings, clock).close()
