"""E-mail texts: subject, text part and HTML part, checked when they are saved and then never changed."""

from __future__ import annotations

from typing import Final

# Where {{unsubscribeUrl}} stands until a message's links are made its own (`tracking.outgoing`): so that one person's
# message has one digest at the dry run, at approval and at sending.
UNSUBSCRIBE: Final = "https://unsubscribe.invalid/"
