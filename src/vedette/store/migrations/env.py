"""How Alembic runs a revision here: on the connection, and within the transaction, of whoever asked for it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
