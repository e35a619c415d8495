"""The house rules, one theme a file: a rule takes the tree and yields findings."""
