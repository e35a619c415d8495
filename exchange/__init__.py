"""The simulated exchange: the outside world, a separate process that imports nothing of the house."""
