"""A working day of a team in a browser: a manager assigns, a caller works her leads, a reader and an operator look."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import Membership, User
from buckets.services import create_bucket
from leads.models import Lead
from tests.admin_site import address, member
from tests.pages.checks import BOTH

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.long
@pytest.mark.parametrize("width", BOTH)
def test_a_manager_assigns_a_caller_works_a_reader_and_an_operator_look(
    login: Callable[[Any], None], page: Page, axe_check: Callable[[Page], None], script_errors: list[str]
):
    ann = User.objects.create_user("ann", is_staff=True, time_zone="America/Phoenix")
    bucket, _ = create_bucket(by=ann, name="King County", property_ids=["1", "2"])
    bucket.refresh_from_db()
    Lead.objects.update(property_address="12 Main St", phone="+12065550143")
    zone = {"time_zone": "America/Phoenix"}
    cat, rea = member(bucket.team, "caller", "cat", **zone)[0], member(bucket.team, "reader", "rea", **zone)[0]
    west = User.objects.create_user("west", is_staff=True, **zone)
    Membership.objects.create(team=west.memberships.get().team, user=ann, role="buyer")

    login(ann)
    page.goto("/admin/accounts/team/")
    page.get_by_label("Role of cat").wait_for()
    axe_check(page)
    page.locator(".desk-team > summary").click()
    axe_check(page)
    page.goto(address(Lead, "changelist"))
    axe_check(page)
    page.locator("input[name=_selected_action]").first.check()
    page.locator("select[name=action]").select_option("assign")
    page.get_by_role("button", name="Run").click()
    page.get_by_label("cat", exact=True).check()
    axe_check(page)
    page.get_by_role("button", name="Assign").click()
    page.get_by_text("1 of 1 lead newly assigned to cat.").wait_for()
    page.goto(address(type(bucket), "change", bucket.pk))
    axe_check(page)

    login(cat)
    page.goto("/admin/")
    axe_check(page)
    page.get_by_role("link", name="My leads").last.click()
    page.get_by_text("1 lead on this page").wait_for()
    axe_check(page)
    page.goto(address(Lead, "change", Lead.objects.get(assigned_to=cat).pk))
    assert page.get_by_text("+12065550143").count() == 0
    page.get_by_role("button", name="Show phones and e-mails").click()
    page.get_by_text("Shown to you for 15 minutes; this was recorded.").wait_for()
    axe_check(page)
    page.goto(address(type(bucket), "changelist"))
    page.get_by_role("heading", name="Not permitted").wait_for()
    axe_check(page)
    assert any("403" in error for error in script_errors)  # the browser notes it, and the icon it finds none of
    script_errors.clear()

    login(rea)
    page.goto(address(Lead, "change", Lead.objects.first().pk))  # type: ignore[union-attr]
    page.get_by_text("Your role does not show contact details").wait_for()
    assert page.get_by_text("Log activity").count() == 0
    axe_check(page)
    page.goto(address(type(bucket), "change", bucket.pk))
    assert page.get_by_role("link", name="Quote and enrich").count() == 0
    axe_check(page)

    operator = User(username="op", is_staff=True, is_operator=True, **zone)
    operator.save()
    login(operator)
    page.goto("/admin/")
    axe_check(page)
    page.goto("/admin/integrations/vendorcall/")
    axe_check(page)
