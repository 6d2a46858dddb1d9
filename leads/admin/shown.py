"""How long contacts that were shown stay shown: while a person works on the lead, and from lead to lead of a list.

Each lead's contacts are recorded when they come before her eyes; a page that comes again within that time because she
has saved a note is the same look.
"""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest

from accounts.access import Scope, access
from leads.models import Lead

STAYS = 15 * 60  # seconds a lead's contacts stay shown after they were last looked at
KEPT_MOST = 20  # leads of a session
_SHOWN, _WALKING = "leads_shown", "leads_shown_walking"


def is_shown(request: HttpRequest, lead: Lead) -> bool:
    """Whether this person has had them shown just now."""
    return _may(request, lead) and _kept(request).get(str(lead.pk), 0) > time.time()


def is_walking(request: HttpRequest, lead: Lead) -> bool:
    """Whether she wants each lead of the list she walks through shown."""
    return _may(request, lead) and float(request.session.get(_WALKING, 0)) > time.time()


def keep_shown(request: HttpRequest, lead: Lead, *, walking: bool | None = None) -> None:
    """From now on. walking: whether the next leads of the list are shown, too; None: as it was."""
    until = time.time() + STAYS
    kept = _kept(request) | {str(lead.pk): until}
    latest = sorted(kept.items(), key=lambda one: one[1])[-KEPT_MOST:]
    request.session[_SHOWN] = dict(latest)
    if walking is None:
        walking = is_walking(request, lead)
    request.session[_WALKING] = until if walking else 0


def hide(request: HttpRequest) -> None:
    """All of them."""
    request.session.pop(_SHOWN, None)
    request.session.pop(_WALKING, None)


def _kept(request: HttpRequest) -> dict[str, Any]:
    kept: dict[str, Any] = request.session.get(_SHOWN, {})
    return kept


def _may(request: HttpRequest, lead: Lead) -> bool:
    """Asked each time: a role may have changed since."""
    return access(request).can_in(lead.team_id, Scope.CONTACTS)
