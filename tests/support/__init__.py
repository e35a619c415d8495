"""What several suites start and share; nothing here depends on pytest."""
