"""Brings the tables of a database to this version's, by the migrations in this package."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from vedette.core import ConfigError, Unavailable
from vedette.store.database import Database

__all__ = ["check", "is_ready", "migrate", "touch"]

# An arbitrary number that all our processes know: PostgreSQL has no lock on a schema as such.
_LOCK = 0x76656465747465


def migrate(database: Database) -> None:
    """What `Store.migrate` does."""
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    with database.remaking() as connection:
        if not database.sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _refuse_newer(scripts, _heads(connection))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(database: Database) -> None:
    """What `Store.check` does."""
    scripts = ScriptDirectory.from_config(_config())
    with database.reading() as connection:
        heads = _heads(connection)
    _refuse_newer(scripts, heads)
    if set(heads) != set(scripts.get_heads()):
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
    version = sa.table("alembic_version", sa.column("version_num"))
    with database.writing() as connection:
        connection.execute(sa.update(version).values(version_num=version.c.version_num))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "vedette.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _heads(connection: sa.Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def _refuse_newer(scripts: ScriptDirectory, heads: tuple[str, ...]) -> None:
    for head in heads:
        try:
            scripts.get_revision(head)
        except CommandError as error:
            raise ConfigError(
                f"the store is at revision {head}, which this version of Vedette does not know:"
                " a newer version made it; install that version, or restore an older store"
            ) from error
