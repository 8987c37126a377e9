"""Makes a data folder ready: keys, certificates, schemas. Safe to repeat; runs before the server's processes."""

from pathlib import Path

import structlog

from vedette.app.damage import refuse_damage
from vedette.app.keys import KeyFiles
from vedette.app.oncall_book import OnCallBook
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.app.untried import acting_alone, may_act, names_of, way_to_try
from vedette.app.wiring import open_queue, open_store
from vedette.core import ConfigError, Limits, SystemClock, TenantId
from vedette.seal import Authority
from vedette.store import Store

__all__ = ["make_keys", "prepare"]

_log = structlog.get_logger()


def prepare(settings: Settings) -> None:
    """Makes what is missing and brings schemas up to date.

    Raises:
        Unavailable: (damaged-data) a file of the store or the queue is damaged.
        ConfigError: a key is damaged or was lost, a schema is newer than this program, or the settings' policies are wrong.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_damage(settings)
    clock = SystemClock()
    store = open_store(settings, clock)
    try:
        store.migrate()
        _refuse_lost(KeyFiles(settings), store.hosts.trusted())
        policies = PolicyBook(settings, store, clock)
        _tell_lost_chains(settings, policies, OnCallBook(settings, store, policies, clock))
        _tell_untried(settings, store, policies)
    finally:
        store.close()
    open_queue(settings, clock).close()
    make_keys(settings)


def make_keys(settings: Settings) -> list[Path]:
    """Makes keys and certificates that are missing, whoever relied on them; the files of private keys that it made.

    Raises:
        ConfigError: a key is damaged.
    """
    keys = KeyFiles(settings)
    made = keys.lost()
    keys.make_missing()
    if (keys.tls / "ca.pem").exists():
        renewed = Authority.load(keys.tls).renew_if_due(settings.server.names)
        if renewed:
            _log.info("certificate.renewed")
    else:
        keys.tls.mkdir(mode=0o700, exist_ok=True)
        Authority.create(keys.tls, settings.server.names)
        _log.info("authority.created")
    return made


def _tell_untried(settings: Settings, store: Store, book: PolicyBook) -> None:
    """No error: without a start there is no first verdict to try them over."""
    tenant = TenantId(settings.tenant)
    policies = book.of(tenant)
    names = names_of(acting_alone(policies))
    limits = policies.limits.wider_than(Limits())
    if not (names or limits) or may_act(store, tenant, policies.version):
        return
    _log.warning(
        "policies.untried",
        policies=[
            f"{name} ({settings.respond.policies}, line {policies.lines[name]})" for name in names
        ],
        wider_limits=limits,
        run=way_to_try(settings.respond.policies),
        hint="they were not tried over history, so people are asked before anything is done to hosts; "
        "as soon as a back-test has met enough of it they act by themselves",
    )


def _tell_lost_chains(settings: Settings, policies: PolicyBook, oncall: OnCallBook) -> None:
    """No error: a chain is applied over the API, which must be up for that."""
    tenant = TenantId(settings.tenant)
    lost = policies.of(tenant).chains - oncall.of(tenant).chains.keys()
    if lost and policies.current(tenant).since is None:
        _log.warning(
            "policies.chain_missing",
            chains=sorted(lost),
            policies=settings.respond.policies,
            hint="they escalate nothing until vedette oncall apply puts such chains in force",
        )


def _refuse_lost(keys: KeyFiles, hosts: int) -> None:
    """New keys in the place of lost ones would refuse every snapshot and every command, and lose what waits."""
    lost, halves = keys.lost(), keys.halves()
    if not lost or not (hosts or halves):
        return
    why = f"{hosts} hosts are enrolled" if hosts else f"{_named(halves)} is there"
    raise ConfigError(
        f"{_named(lost)} is missing though {why}: put it back from a backup. If there is none, `vedette data make-keys` makes "
        "new keys: then no snapshot can be opened that waits here or at an agent, and every host must be enrolled anew "
        "(vedette agent enroll --again TOKEN)"
    )


def _named(paths: list[Path]) -> str:
    return " and ".join(map(str, paths))
