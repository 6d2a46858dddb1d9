"""An operator looks after vendors by page, API and command, without a team and without any of Django's permissions."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Team, User
from buckets.services import create_bucket
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.services import RunError, resume_run, start_run
from integrations.ledger import breaker, catalogue
from integrations.models import Vendor, VendorCall
from tests.admin_site import act, address, signed_in
from tests.api.client import Api, body_of
from tests.command_line import run
from tests.integrations.doubtful import doubtful
from tests.support import make_user

pytestmark = pytest.mark.django_db
APOLLO = "/admin/integrations/vendor/apollo"


@pytest.fixture
def olga() -> User:
    catalogue.vendor("apollo")
    return User.objects.create(username="olga", is_staff=True, is_operator=True)


@pytest.fixture
def client(olga: User) -> Client:
    return signed_in(olga)


def test_on_the_vendors_page(client: Client) -> None:
    assert client.get(address(Vendor, "changelist")).status_code == 200
    assert client.post(f"{APOLLO}/pause/", {"confirmed": "yes", "reason": "no credit"}).status_code == 302
    assert Vendor.objects.get(pk="apollo").paused_reason == "no credit (olga)"
    assert act(client, Vendor, "reset", [Vendor.objects.get(pk="apollo")]).status_code == 302
    form = {"daily_cap": "12.50", "server_error_policy": "doubt"}
    client.post(f"{APOLLO}/change/", form | {"operations-TOTAL_FORMS": "0", "operations-INITIAL_FORMS": "0"})
    assert Vendor.objects.get(pk="apollo").daily_cap == 12.5


def test_on_the_page_of_vendor_requests(client: Client) -> None:
    one, other = doubtful(make_user("ann"), "run:a"), doubtful(make_user("bob"), "run:b")
    listed = client.get(address(VendorCall, "changelist"))
    outage = address(VendorCall, "outage")
    assert (outage in listed.content.decode(), client.get(outage).status_code) == (True, 200)

    client.post(f"/admin/integrations/vendorcall/{one.pk}/billed/", {"confirmed": "yes", "cost": "0.10"})
    act(client, VendorCall, "mark_chosen_not_billed", [other], confirmed="yes")

    assert [call.state for call in VendorCall.objects.order_by("pk")] == ["written_off", "released"]


def test_by_the_api(olga: User) -> None:
    api = Api(olga)
    assert "apollo" in [row["name"] for row in body_of(api.get("/api/vendors"))["vendors"]]
    asked: dict[str, Any] = {"operation": "apollo_people", "price": "0.03"}
    assert api.post("/api/vendors/apollo/confirm-prices", {}).status_code == 200
    assert api.post("/api/vendors/apollo/price", asked).status_code == 200
    assert (float(catalogue.operation("apollo_people").setting("price"))) == 0.03


def test_by_command(olga: User) -> None:
    call = doubtful(make_user("ann"))
    assert run("vendors", "pause", "apollo", "--reason", "no credit", "--user", "olga").status == 0
    assert run("in_doubt", str(call.pk), "--release", "--user", "olga").status == 0
    assert (Vendor.objects.get(pk="apollo").enabled, VendorCall.objects.get().state) == (False, "released")


def test_a_job_that_waits_for_a_vendor_is_resumed_by_an_operator_of_the_team(olga: User) -> None:
    ann = make_user("ann")
    team = Team.objects.get(memberships__user=ann)
    Membership.objects.create(team=team, user=olga, role="buyer")
    bucket, _ = create_bucket(by=ann, name="Leads", property_ids=["1"])
    job, _ = start_run(bucket=bucket, by=ann, options=RunOptions())
    Run.objects.filter(pk=job.pk).update(status="paused", paused_by="vendor", reason="Refused")
    job.refresh_from_db()
    breaker.pause("realestateapi", "401: the key was refused")

    with pytest.raises(RunError, match="an operator has to open it again"):
        resume_run(run=job, by=ann)
    assert resume_run(run=job, by=olga).status in ("queued", "running")
    assert Vendor.objects.get(pk="realestateapi").paused_reason == ""
