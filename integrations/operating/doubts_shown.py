"""What a page shows that lists billing checks: of integrations' own, and of the rooms above."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from common.admin_teams import operates
from integrations.operating.evidence import BILLED, NOT_BILLED, Doubts

ADDRESS = "admin:integrations_vendorcall_decide"


def may_decide(request: HttpRequest) -> bool:
    """Operators, and users who may change vendors by Django's permissions."""
    return bool(operates(request) or request.user.has_perm("integrations.change_vendor"))


def shown(request: HttpRequest, found: Doubts, *, back: str = "") -> dict[str, Any]:
    """For `admin/integrations/doubts.html`: the list alone to who may not decide. back: where the buttons lead to."""
    return {
        "doubts": found,
        "may_decide": may_decide(request),
        "decide": reverse(ADDRESS),
        "back": back,
        "after_billed": BILLED,
        "after_not_billed": NOT_BILLED,
    }
