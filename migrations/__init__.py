"""Alembic revisions and the versioned SQL they run."""
