"""Use cases: take a Unit, never commit, never call a network."""
