"""The compliance record under measure: a year of events, what officers ask of it, and what sealing it costs writers."""
