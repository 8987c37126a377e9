"""Brings the tables of a database to this version's, by the migrations in this package."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import sqlalchemy as sa

from vedette.core import ConfigError, Unavailable
from vedette.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["check", "is_ready", "migrate", "touch"]

# An arbitrary number that all our processes know: PostgreSQL has no lock on a schema as such.
_LOCK = 0x76656465747465
# Alembic's own table.
_VERSION = sa.table("alembic_version", sa.column("version_num"))


def migrate(database: Database) -> None:
    """What `Store.migrate` does."""
    # Only this needs Alembic, which is slow to load; the processes that only check go without it.
    from alembic import command

    config = _config()
    with database.remaking() as connection:
        if not database.sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _refuse_newer(_heads(connection))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(database: Database) -> None:
    """What `Store.check` does."""
    with database.reading() as connection:
        heads = _heads(connection)
    _refuse_newer(heads)
    if heads != _known()[-1:]:
        raise ConfigError("the store's tables are of an older version; migrate it first")


def is_ready(database: Database) -> bool:
    """Whether `check` passes."""
    try:
        check(database)
    except (ConfigError, Unavailable):
        return False
    return True


def touch(database: Database) -> None:
    """Commits the row that names the version, as it is."""
    with database.writing() as connection:
        connection.execute(sa.update(_VERSION).values(version_num=_VERSION.c.version_num))


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "vedette.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _heads(connection: sa.Connection) -> tuple[str, ...]:
    """The revisions that Alembic has written down; none where it was never there."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return ()
    return tuple(connection.scalars(sa.select(_VERSION.c.version_num)))


@cache
def _known() -> tuple[str, ...]:
    """The revisions of this version, oldest first: each migration's file begins with its own."""
    versions = files("vedette.store") / "migrations" / "versions"
    names = (one.name.partition("_")[0] for one in versions.iterdir())
    return tuple(sorted(name for name in names if name.isdigit()))


def _refuse_newer(heads: tuple[str, ...]) -> None:
    for head in heads:
        if head not in _known():
            raise ConfigError(
                f"the store is at revision {head}, which this version of Vedette does not know:"
                " a newer version made it; install that version, or restore an older store"
            )
