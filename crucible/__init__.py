"""Proof under fire: no acknowledged order is lost and none placed twice, whatever dies (docs/crucible.md)."""
