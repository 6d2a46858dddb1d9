"""Preview and report of one person among many leads and as many purchased answers, and the job that forgets her.

Keys of the others are random digests: what counts is how many there are. She has 40 leads and 40 purchased answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Report, by_latency
from benchmarks.place import STEP, Place

AIM = "preview and report within 2 s at 1,000,000 leads and as many look-ups"
HERS = 40
PHONE = "+12065550143"
_KEYS = """
    WITH made AS (
        INSERT INTO leads_contactkey (kind, digest, hint)
        SELECT 1 + n %% 3, sha256(n::text::bytea), '…' || n %% 10000
          FROM generate_series(%(first)s::int, %(last)s::int) n
        RETURNING id)
    INSERT INTO leads_leadkey (lead_id, key_id, role, position)
    SELECT l.id, m.id, 1, 0 FROM (SELECT id, row_number() OVER () AS n FROM made) m
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n
              FROM (SELECT id FROM leads_lead ORDER BY id OFFSET %(first)s LIMIT %(step)s) l) l ON l.n = m.n"""
_LOOKUPS = """
    INSERT INTO integrations_lookup (operation_id, key, state, category, cost, fetched_at, facts)
    SELECT %(operation)s, 'bench-' || n, 'answered', '', 0.05, now(), jsonb_build_object(
           'owner_name', 'ADA LOVELACE', 'first_name', 'Ada', 'last_name', 'Lovelace', 'phone', '+1512' || 2000000 + n,
           'email', 'owner' || n || '@example.com', 'mailing_address', n || ' Main St',
           'mailing_zip', lpad((n %% 40000)::text, 5, '0'))
      FROM generate_series(%(first)s::int, %(last)s::int) n"""


def measure(place: Place, *, samples: int) -> Report:
    from django.utils import timezone

    from accounts.access import own_access
    from accounts.models import User
    from integrations.ledger import catalogue
    from integrations.models import Lookup
    from leads.keys import contact_keys
    from leads.models import Lead
    from leads.privacy.finding import EVERYWHERE, Asked
    from leads.privacy.forgetting import continue_job, forget_person, preview
    from leads.privacy.reporting import person_report

    database = place.connect()
    operation = catalogue.operation("skip_trace").pk
    for first in range(0, place.leads, STEP):
        span = {"first": first, "last": first + STEP - 1, "step": STEP, "operation": operation}
        database.execute(_KEYS, span)
        database.execute(_LOOKUPS, span)
        database.commit()
    facts: dict[str, Any] = {"phone": PHONE, "email": "eve@example.com",
                             "owner_name": "Eve Poe", "first_name": "Eve", "last_name": "Poe",
                             "mailing_address": "7 Oak St", "mailing_zip": "89501"}  # fmt: skip
    ids = list(Lead.objects.filter(phone__isnull=False).order_by("pk").values_list("pk", flat=True)[:HERS])
    from django.db import transaction

    with transaction.atomic():
        keys = contact_keys.prepare(dict.fromkeys(ids, facts))
        Lead.objects.filter(pk__in=ids).update(**facts)
        contact_keys.relink(ids, keys)
    Lookup.objects.bulk_create(
        Lookup(operation_id=operation, key=f"hers-{n}", state="answered", fetched_at=timezone.now(), facts=facts)
        for n in range(HERS)
    )
    database.autocommit = True
    database.execute("ANALYZE")
    by = User.objects.create_superuser("forgetter")
    ways = {
        "phone": Asked.of(phone=PHONE),
        "name and address": Asked.of(name="Eve Poe", address="7 Oak St", zip="89501"),
    }
    asks: dict[str, Callable[[], int]] = {}
    for name, asked in ways.items():
        asks[f"preview by {name}"] = lambda asked=asked: preview(by=by, asked=asked).lookups  # type: ignore[misc]
        asks[f"report by {name}"] = lambda asked=asked: len(  # type: ignore[misc]
            person_report(access=own_access(by), asked=asked, within=EVERYWHERE)["purchasedData"]
        )
    seconds: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(samples):
        for name, ask in asks.items():
            begin = time.perf_counter()
            if (found := ask()) != HERS:
                raise AssertionError(f"{name} found {found} answers instead of {HERS}")
            seconds[name].append(time.perf_counter() - begin)
    begin = time.perf_counter()
    job = forget_person(by=by, asked=ways["phone"], typed=PHONE)
    while continue_job(job.pk):
        pass
    seconds["the whole job"] = [time.perf_counter() - begin]
    job.refresh_from_db()
    if job.changed["leads"] != HERS or job.changed["purchased data"] != HERS:
        raise AssertionError(f"The job changed {job.changed}")
    database.close()
    return {
        "benchmark": "forget",
        "what": f"one person of {HERS} leads among {place.leads:,} leads and as many purchased answers",
        "results": by_latency(seconds, {}),
        "aim": AIM,
    }
