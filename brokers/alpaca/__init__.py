"""Alpaca through the unmodified alpaca-py: bounded in time, no hidden retries, tolerant parsing."""
