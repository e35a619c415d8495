"""Tables and the unit of work."""
