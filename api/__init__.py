"""FastAPI edge: authenticates, validates, writes the row, and hands the id to a background publisher."""
