"""Alembic revisions, oldest first in `versions`. `vedette.store.migrating` runs them; there is no alembic.ini."""
