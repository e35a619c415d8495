"""Read-only SQL for compliance officers, as tables and CSV."""
