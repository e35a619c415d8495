"""Pre-trade rules: one file each, `check(facts) -> Verdict`, none knows another."""
