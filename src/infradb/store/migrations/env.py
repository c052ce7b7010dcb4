"""What Alembic runs: every migration that is missing, in the transaction that `store/migrate.py` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
