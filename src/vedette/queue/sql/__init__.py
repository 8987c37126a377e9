"""The queue in a SQL database: SQLite in a file of its own, or PostgreSQL."""

from vedette.queue.sql.queue import SqlQueue

__all__ = ["SqlQueue"]
