"""The web server's entry point. A missing or wrong secret ends the server, not its workers one after another."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
WORKER_BOOT_ERROR = 3  # of gunicorn's Arbiter: on any other status it starts the worker again

try:
    application = get_wsgi_application()

    from leads.keys.key_secrets import refuse_wrong  # once Django is set up

    refuse_wrong()
except (ImproperlyConfigured, SystemExit) as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(WORKER_BOOT_ERROR)
