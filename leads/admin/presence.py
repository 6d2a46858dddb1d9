"""Who looks at a lead right now: members of its own team whose page was open within the last minute. It is in the cache
alone: nobody is recorded, and without Redis nobody is seen.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from django.core.cache import cache
from redis.exceptions import RedisError

from accounts.access import Access
from leads.models import Lead

log = logging.getLogger(__name__)
LASTS = 60  # seconds after a page was last open
SHOWN_MOST = 5  # names


def look(lead: Lead, access: Access) -> Sequence[str]:
    """Notes that this person has the lead open, and says which colleagues have, by name. Who looks from another team
    is neither noted nor told.
    """
    if access.team_id is None or access.team_id != lead.team_id:
        return []
    key, now = f"looks:{lead.pk}", time.time()
    try:
        seen = {who: at for who, at in (cache.get(key) or {}).items() if at > now - LASTS}
        seen[access.user.get_username()] = now
        cache.set(key, seen, timeout=LASTS)
    except RedisError as error:
        log.warning("Redis is away (%s): nobody is seen on a lead", type(error).__name__)
        return []
    return sorted(who for who in seen if who != access.user.get_username())[:SHOWN_MOST]
