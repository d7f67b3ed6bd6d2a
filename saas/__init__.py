"""The project: settings, urls, Celery, errors, the embedded stack and the portal's shell."""

from saas.celery import app as celery_app

__all__ = ["celery_app"]
