"""The command lines: `opitios run`, `order`, `report`, `admin`."""
