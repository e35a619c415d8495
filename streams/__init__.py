"""The brokers' streams: long-lived connections that tell at once what a poll would find out later (docs/streams.md)."""
