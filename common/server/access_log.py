"""The web server's access log, which knows nobody: no phone, e-mail or secret of a path is in it."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from common.logs import discreet_path, plain


class AccessLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """`logger_class` of config/gunicorn.py."""

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        atoms["U"] = plain(discreet_path(str(atoms.get("U", ""))))
        atoms["a"] = plain(str(atoms.get("a", "")))
        return atoms
