"""What an e-mail must have."""

from __future__ import annotations

from typing import Final

UNSUBSCRIBE: Final = "https://unsubscribe.invalid/"  # the delivery's own takes its place when it leaves
