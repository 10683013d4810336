"""Schema changes, one script each, run by Alembic when a database is opened."""
