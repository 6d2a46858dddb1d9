"""The product as in production, but for the cost of a password: a million rounds each are for guessers to pay."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # none collected

from config.wsgi import application as application  # noqa: E402

PBKDF2PasswordHasher.iterations = 1
