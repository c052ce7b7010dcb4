"""Every version of the schema since the first, as Alembic's migrations.

A migration after the first has two halves, because SQLite cannot alter most of a table: on PostgreSQL plain ALTERs, on
SQLite `rebuild_table` with the table's new statement. Foreign keys are off while SQLite migrates, and checked after.
"""
