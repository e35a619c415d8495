"""Checks of the house, run by `make check`."""
