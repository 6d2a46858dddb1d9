"""Opens and clicks: a million of them, and the pages of their campaigns.

Timed: GET of a campaign's results (API) and of its page as a person's browser asks for it: a campaign of 2,000 people
whose e-mails have left, before anybody has opened one, and with 50 touches of each e-mail, in this campaign and in all
the others. The first answer is not counted.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks import admin_lists
from benchmarks.harness import Report, by_latency
from benchmarks.place import Place
from benchmarks.sequences import OPENS, PEOPLE, make_campaigns

EACH = 50  # touches of an e-mail
AIM = 1.5  # × the time without touches
LEFT = """
    UPDATE campaigns_delivery SET state = 'accepted', rank = 3, intended_at = %(at)s, accepted_at = %(at)s
     WHERE channel = 'email' AND state = 'due'
"""
COUNTED = """
    UPDATE campaigns_campaign c SET due = n.many, sent = n.many, accepted = n.many
      FROM (SELECT campaign_id, count(*) many FROM campaigns_delivery GROUP BY 1) n WHERE n.campaign_id = c.id
"""
TOUCHED = """
    INSERT INTO campaigns_touch (delivery_id, link_id, at, kind, why, network)
    SELECT d.id, CASE WHEN n %% 5 = 0 THEN %(link)s::uuid END, %(at)s + n * interval '1 minute',
           (ARRAY['machine', 'unknown', 'human'])[CASE WHEN n %% 25 = 0 THEN 3 ELSE 1 + n %% 2 END], '', ''
      FROM campaigns_delivery d, generate_series(1, %(each)s::int) n WHERE d.channel = 'email'
"""


def measure(place: Place, *, people: int, samples: int) -> Report:
    from django.test import override_settings

    from accounts.models import Membership, User
    from campaigns.models import Campaign, Link, Touch, Variant
    from campaigns.sending import steps

    User.objects.filter(pk=place.user.pk).update(is_staff=True)
    Membership.objects.filter(user=place.user).update(role="manager")
    with override_settings(CAMPAIGN_CLOCK=(OPENS, 1), MAIL_VENDOR="mail"):
        campaigns = make_campaigns(place, people)
        while steps.make_due():
            pass
    Campaign.objects.filter(pk__in=campaigns).update(status="completed", track_opens=True, track_clicks=True)
    version = Variant.objects.filter(step__campaign=campaigns[0]).values_list("version", flat=True)[0]
    link = Link.objects.create(version_id=version, url="https://acme.example/offer")
    told: dict[str, Any] = {"at": OPENS, "link": link.pk, "each": EACH}
    with place.connect() as database:
        database.execute(LEFT, told)
        database.execute(COUNTED)
        database.execute("VACUUM ANALYZE campaigns_delivery")
    results, page = f"/api/campaigns/{campaigns[0]}/results", f"/admin/campaigns/campaign/{campaigns[0]}/change/"

    def times(browser: Any, when: str) -> dict[str, list[float]]:
        return {f"results, {when}": _asked(place, results, samples), f"page, {when}": browser.time(page, samples) or []}

    with admin_lists.signed_in(place.port, place.user) as browser:
        seconds = times(browser, "no touch")
        with place.connect() as database:
            database.execute(TOUCHED, told)
            database.execute("VACUUM ANALYZE campaigns_touch")
        many = Touch.objects.count()
        seconds |= times(browser, "touched")
    rows = by_latency(seconds, {f"{name}, touched": f"{name}, no touch" for name in ("results", "page")})
    worst = max(row["ratio"] for row in rows if row["against"])
    return {
        "benchmark": "touches",
        "what": f"a campaign of {PEOPLE:,} people with {many // len(campaigns):,} of {many:,} touches",
        "baseline": "the same before anybody opened an e-mail",
        "aim": f"{AIM} × its time; {worst} measured",
        "results": rows,
    }


def _asked(place: Place, path: str, samples: int) -> list[float]:
    """Seconds of each answer of the API but the first."""
    client, times = place.client(), []
    for _ in range(samples + 1):
        begin = time.perf_counter()
        status, body = client.get(path)
        times.append(time.perf_counter() - begin)
        if status != 200:
            raise AssertionError(f"{path} answered {status}: {body[:200]!r}")
    return times[1:]
