"""Brokers behind one protocol; only `registry` names a concrete adapter."""
