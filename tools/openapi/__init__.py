"""The simulated exchange held against the brokers' published OpenAPI files, part by part."""
