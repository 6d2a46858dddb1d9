from __future__ import annotations

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def nobody_has_asked() -> None:
    """Requests are counted by address in the cache."""
    cache.clear()
