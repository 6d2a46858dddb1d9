"""Servers that somebody else has started, for a stack that does them no harm: migrated once, they need not be again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from devtools.servers import Servers


class Lent(Servers):
    """As `Servers`, whose start and stop are the lender's. `remove` deletes `home`."""

    def __init__(self, home: Path, addresses: Mapping[str, str]) -> None:
        self.home, self.addresses = home, addresses

    @property
    def database_url(self) -> str:
        return self.addresses["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        return self.addresses["REDIS_URL"]

    def stop(self) -> None:
        """They go on."""

    def remove(self) -> None:
        """What stands in `home`, such as logs."""
        shutil.rmtree(self.home, ignore_errors=True)
