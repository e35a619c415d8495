"""What leaves after a commit: hints to Celery."""
