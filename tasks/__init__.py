"""Celery edge: thin tasks, the relay loop, the beat schedule."""
