"""What a fresh machine lacks: embedded Postgres and Redis, the supervisor of all processes."""
