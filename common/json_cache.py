"""What the cache holds, as JSON: whoever may write to Redis can change a count, and runs no code of theirs here."""

from __future__ import annotations

import json
from typing import Any


class JsonSerializer:
    """For Django's RedisCache. Whole numbers stay as they are, so that Redis itself can count."""

    def dumps(self, value: Any) -> int | bytes:
        """Raises TypeError for what JSON cannot hold."""
        if type(value) is int:  # not a boolean
            return value
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:
        """Raises ValueError for what is no JSON."""
        return json.loads(data)
