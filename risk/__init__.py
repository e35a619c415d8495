"""Pure pre-trade rules: facts in, verdict out; one rule per file."""
