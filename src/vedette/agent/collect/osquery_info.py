"""osquery's `osquery_info`: what looks, and whether it looks at the same things as before."""

from vedette import __version__
from vedette.agent.collect.table import Table
from vedette.agent.collect.watched import CONFIG_HASH

__all__ = ["collect"]


def collect() -> Table:
    """One row: version (of the agent), config_hash (over the list of watched files)."""
    return Table(rows=[{"version": f"vedette {__version__}", "config_hash": CONFIG_HASH}])
