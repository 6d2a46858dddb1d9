"""The one order in which a transaction takes locks. docs/locks.md says what each is and who takes it.

Each app's `locks.py` has the functions; no other file locks rows, but for
`queue.claim`. A transaction may leave locks out, never go back.
"""

from __future__ import annotations

ORDER = (
    "forgetting",
    "post",
    "bucket hold",
    "campaign hold",
    "list fill",
    "touches",
    "schedule",
    "fill",
    "import",
    "upload",
    "bulk job",
    "kept buckets",
    "late phones",
    "run",
    "call",
    "look-ups",
    "operation",
    "vendor",
    "budgets",
    "name refresh",
    "names",
    "keys",
    "members",
    "deliveries",
    "campaign",
    "attempts",
    "conversation",
    "leads",
    "host",
    "events",
    "bucket",
)
# These are changed by a transaction that holds the one they belong to, so they may be locked at any place after it.
UNDER = {"reveal": "call", "run row": "run", "items": "run", "lead names": "leads"}
