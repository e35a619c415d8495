"""Settings, the real clock and ids, logging: everything the pure floors are given as arguments."""
