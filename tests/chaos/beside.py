"""Enrichment and a campaign over the same leads at the same time: they lock the same rows, and never in a circle."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from buckets.services import recount
from campaigns.models import Delivery
from enrichment.models import Run
from integrations.ledger.persistence import persist
from leads.models import Activity, Lead
from tests.campaigns.sending import world
from tests.chaos.messages import check_counters, company, hits_of, rests
from tests.chaos.place import Broken, Place

TEXT = "Hi, {{companyName}} here. May we ask about your house? Reply STOP to end."  # no fact of hers: none changes it
PATIENCE = 900.0  # seconds
State = Delivery.State


def same_leads(place: Place) -> Sequence[str]:
    """2,000 leads are bought and texted together: no deadlock, every lead and every message comes to its end."""
    count = place.size(2_000, 200)
    with company(place) as (ann, seller, sender):
        bucket, leads = world.make_people(ann, seller, count, places=world.PLACES, ids=place.some_ids(count))
        persist(lambda: Lead.objects.filter(bucket=bucket).update(enrichment_status="pending"))
        persist(lambda: recount(bucket_ids=[bucket.pk]))
        before = persist(_deadlocks)
        run = place.people[-1].start(str(bucket.pk))
        campaign = world.make_campaign(ann, seller, sender, bucket, leads, text=TEXT)
        began = time.monotonic()
        both = 0
        while not (done := _over(run)) or not rests([campaign]):
            both += not done and not rests([campaign])
            if time.monotonic() - began > PATIENCE:
                raise Broken(f"not over after {PATIENCE:.0f} s")
            place.operator.attend([run])
            time.sleep(0.5)
        place.until(place.is_calm, "no request is under way", 60)
        time.sleep(2)  # PostgreSQL counts what its processes have told it, once a second
        if found := persist(_deadlocks) - before + _in_logs(place):
            raise Broken(f"{found} deadlocks")
        rows = _rows(campaign.pk, count)
        numbers = persist(lambda: list(Delivery.objects.filter(campaign=campaign).values_list("address", flat=True)))
        hits = hits_of(place, numbers)
        taken = rows[State.ACCEPTED] + rows[State.DELIVERED]
        if max(hits.values(), default=0) > 1 or len(hits) != taken:
            raise Broken(f"the vendor took {sum(hits.values())} for {len(hits)} people, we say {dict(rows)}")
        told = persist(lambda: Activity.objects.filter(lead__bucket=bucket, kind="sms").count())
        if told != taken:
            raise Broken(f"{told} lines of texts on the leads, {taken} were sent")
        check_counters(campaign.pk, rows)
        if not both:
            raise Broken("one was over before the other began")
        return [f"0 deadlocks; {taken} of {count} texts sent, {dict(rows)}", f"both at work for {both / 2:.0f} s"]


def _over(run_id: str) -> bool:
    return bool(persist(lambda: not Run.objects.get(pk=run_id).is_open))


def _rows(campaign_id: UUID, count: int) -> Counter[str]:
    """Messages by state: each is over, or waits for the hours of where the purchase says that she lives."""
    of = Delivery.objects.filter(campaign=campaign_id)
    rows = persist(lambda: Counter(of.values_list("state", flat=True)))
    silent = persist(lambda: of.filter(state__in=(State.DUE, State.REFUSED), error="").count())
    if rows.total() != count or silent or rows[State.TAKEN] or rows[State.INTENDED] or rows[State.FAILED]:
        raise Broken(f"{dict(rows)}, {silent} of them without a reason, for {count} people")
    return rows


def _deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _in_logs(place: Place) -> int:
    """How often the processes of this stack speak of one, whoever has mended it."""
    logs = (place.servers.home / "log").glob("*.log")
    return sum(path.read_text(errors="replace").count("deadlock") for path in logs)
