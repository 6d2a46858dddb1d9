"""E-mail sequences: 100,000 people whose step is due at once, in 50 campaigns of 2,000.

Timed: ticks (`steps.make_due`) until every step has become a message: condition, address and text of each person, a row
each. A tick ends by itself after some seconds, whatever is left, and the campaigns take turns in it: nobody else's step
waits for a large one. Memory is the process's own, after the first tick and after the last.

The baseline does the part that nobody can leave out: it writes the same rows with COPY.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks.dialer import link_keys
from benchmarks.dry_run import PROFILE
from benchmarks.harness import Report
from benchmarks.place import Place

OPENS = datetime(2026, 9, 15, 15, tzinfo=UTC)
PEOPLE = 2_000  # of a campaign
AIM = 5.0  # seconds a tick
TEXT = "Hi {{firstName|there}},\n\n{{companyName}} here about {{address}}.\n\n{{companyAddress}}\n{{unsubscribeUrl}}"
FILL = """
    INSERT INTO leads_lead (id, bucket_id, owner_id, team_id, source, property_id, created_at, updated_at,
        enrichment_status, email, owner_name, first_name, last_name, property_address, property_state, property_zip)
    SELECT uuidv7(), %(bucket)s, %(owner)s, %(team)s, 'real-estate', (700000000 + n)::text, now(), now(), 'partial',
        'owner' || n || '@example.org', 'Ada Love' || n, 'Ada', 'Love', n || ' Oak St', 'MA', '02108'
      FROM generate_series(1, %(people)s::int) n
"""
MEMBERS = """
    INSERT INTO campaigns_member (id, campaign_id, lead_id, split_group, key_id, mail_key_id, status, why, step,
        next_at, zones, states, calls, priority, attempts, skips, number)
    SELECT uuidv7(), c.id, l.id, c.id, l.key_id, l.key_id, 2, '', 1, %(at)s, '{America/New_York}', '{MA}', false, 0, 0,
           0, 0
      FROM (SELECT l.id, k.key_id, (row_number() OVER (ORDER BY l.id) - 1) / %(most)s AS part
              FROM leads_lead l JOIN leads_leadkey k ON k.lead_id = l.id AND k.role = 3
             WHERE l.bucket_id = %(bucket)s) l
      JOIN unnest(%(campaigns)s::uuid[]) WITH ORDINALITY AS c(id, place) ON c.place = l.part + 1
"""


def measure(place: Place, *, people: int) -> Report:
    from django.test import override_settings

    from campaigns.models import Delivery
    from campaigns.sending import steps

    with override_settings(CAMPAIGN_CLOCK=(OPENS, 1), MAIL_VENDOR="mail"):
        make_campaigns(place, people)
        ticks, memory = [], []
        while True:
            begin = time.perf_counter()
            if not steps.make_due():
                break
            ticks.append(time.perf_counter() - begin)
            memory.append(_megabytes())
    if (made := Delivery.objects.filter(channel="email", state="due").count()) != people:
        raise AssertionError(f"{made} messages instead of {people}")
    copied = _copy(place, people)
    total = sum(ticks)
    return {
        "benchmark": "sequences",
        "what": f"{people:,} e-mail steps due at once, in campaigns of {PEOPLE:,}",
        "baseline": "COPY of the same rows",
        "aim": f"a tick under {AIM:.0f} s; the longest of {len(ticks)} took {max(ticks):.1f} s; memory "
        f"{memory[0]:.0f} MB after the first, {memory[-1]:.0f} MB after the last",
        "results": [
            {"name": "COPY of the same rows", "rows_per_second": round(people / copied), "ratio": 1.0},
            {"name": "ticks", "rows_per_second": round(people / total), "ratio": round(copied / total, 2)},
        ],
    }


def _megabytes() -> float:
    """The most that this process has had so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _copy(place: Place, people: int) -> float:
    from campaigns.models import Delivery

    names = ", ".join(f'"{field.column}"' for field in Delivery._meta.concrete_fields)
    with place.connect() as database, database.cursor() as cursor:
        rows = cursor.execute(f"SELECT {names} FROM campaigns_delivery").fetchall()  # names of columns
        database.execute("CREATE TABLE copied (LIKE campaigns_delivery INCLUDING INDEXES)")
        begin = time.perf_counter()
        with cursor.copy(f"COPY copied ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        spent = time.perf_counter() - begin
    if len(rows) != people:
        raise AssertionError(f"{len(rows)} rows")
    return spent


def make_campaigns(place: Place, people: int) -> list[Any]:
    """A company, its people, and campaigns that run: their ids."""
    from accounts.access import own_access
    from buckets.services import create_bucket
    from campaigns.models import Campaign, MailSender, Step, Template, TemplateVersion, Variant
    from leads.models import Lead
    from leads.permission.selling import save_seller

    team_id = own_access(place.user).team_id
    assert team_id is not None
    seller = save_seller(team_id=team_id, by=place.user, values=PROFILE, attest=True)
    sender, _ = MailSender.objects.get_or_create(seller=seller, name="Ann", address="ann@mail.example.com")
    template = Template.objects.create(owner=place.user, team_id=team_id, name="Sequence", channel="email")
    version = TemplateVersion.objects.create(
        template=template, number=1, subject="About {{address}}", text=TEXT, html=f"<p>{TEXT}</p>", digest="x" * 64,
        variables=["address", "companyAddress", "companyName", "firstName", "unsubscribeUrl"],
    )  # fmt: skip
    bucket, _ = create_bucket(by=place.user, name="Sequence", team_id=team_id)
    with place.connect() as database:
        told = {"bucket": bucket.pk, "owner": place.user.pk, "team": team_id, "people": people}
        database.execute(FILL, told)
    leads = list(Lead.objects.filter(bucket=bucket).order_by("pk").values_list("pk", flat=True))
    for start in range(0, people, 5_000):
        link_keys(leads[start : start + 5_000])
    campaigns = []
    for part in range(-(-people // PEOPLE)):
        campaign = Campaign.objects.create(
            owner=place.user, team_id=team_id, name=f"Sequence {part}", channel="email", status="running",
            seller=seller, mail_sender=sender, approved_digest="x" * 64, approved_by_id=place.user.pk, started_at=OPENS,
            stop_on=["reply"], members=min(PEOPLE, people),
        )  # fmt: skip
        step = Step.objects.create(campaign=campaign, position=1, channel="email")
        Variant.objects.create(step=step, version=version, seed="seed")
        campaigns.append(campaign.pk)
    with place.connect() as database:
        told = {"at": OPENS, "most": PEOPLE, "bucket": bucket.pk, "campaigns": campaigns}
        database.execute(MEMBERS, told)
        database.execute("VACUUM ANALYZE campaigns_member, leads_contactkey, leads_leadkey, leads_lead")
    return campaigns
