"""The portal as tests serve it: with its static files, which nobody has collected."""

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from saas.asgi import application as portal

application = ASGIStaticFilesHandler(portal)
