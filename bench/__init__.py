"""Figures of this machine with ratios, printed by `make bench`."""
