#!/usr/bin/env python
"""Django's commands. In a checkout with the development extras, what the environment leaves out is provided."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parent / ".venv"


def main() -> None:
    if importlib.util.find_spec("django") is None:
        use_venv()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    provide(*sys.argv[1:] or ["help"])
    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


def use_venv() -> None:
    """`./manage.py` found another Python first: goes on with the one that `make` has prepared."""
    python = VENV / "bin" / "python"
    if not python.exists() or Path(sys.prefix) == VENV:
        sys.exit("Django is not installed: `make test` prepares .venv, or install requirements.lock")
    os.execv(python, [str(python), *sys.argv])  # noqa: S606


def provide(command: str, *arguments: str) -> None:
    """Local servers and a key, where this is a development place. In the production image there is none."""
    try:
        from devtools.place import provide as provide_locally
    except ImportError:
        return
    provide_locally(command, arguments)


if __name__ == "__main__":
    main()
