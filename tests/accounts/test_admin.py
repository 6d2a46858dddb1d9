import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import AuditEvent, User
from accounts.tokens import issue_token
from integrations.models import Budget
from tests.admin_site import address, boxes, member, staff, superuser, words

pytestmark = pytest.mark.django_db


def test_limits_are_shown_beside_what_is_spent():
    ann, _ = staff("ann", monthly_budget=Decimal(50))
    now = timezone.now()
    Budget.objects.create(scope=f"user:{ann.pk}:{now:%Y-%m}", spent=Decimal("1.5"), reserved=Decimal("0.25"))
    Budget.objects.create(scope=f"leads:{ann.pk}:{now:%Y-%m-%d}", spent=7)

    page = superuser()[1].get(address(User, "changelist")).content.decode()

    cells = re.findall(r'<td class="field-(?:month|today)(?: [^"]*)?"[^>]*>\s*([$0-9.]+)\s*</td>', page)
    assert sorted(cells) == sorted(["$1.75", "7", "$0.00", "0"])


def roles(user: User, **changes: str) -> dict[str, str]:
    """What the page of a user in one team posts of her role."""
    member = user.memberships.get()
    said = {"id": str(member.pk), "user": str(user.pk), "team": str(member.team_id), "role": member.role}
    return {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        **{f"memberships-0-{name}": value for name, value in {**said, **changes}.items()},
    }


def test_a_role_is_given_on_the_users_page_and_a_team_keeps_a_manager():
    client = superuser()[1]
    ann, _ = staff("ann")
    team = ann.memberships.get().team
    bob, _ = member(team, "reader", "bob")
    fields = {"username": "bob", "is_active": "on", "is_operator": "on", "daily_lead_limit": "1", "monthly_budget": "1"}

    answer = client.post(address(User, "change", bob.pk), {**fields, **roles(bob, role="buyer", is_masked="on")})

    assert answer.status_code == 302
    bob.refresh_from_db()
    assert (bob.is_operator, *bob.memberships.values_list("role", "is_masked")) == (True, ("buyer", True))
    told = AuditEvent.objects.get(action="member.changed")
    assert (told.user_name, told.before) == ("boss", {"role": "reader", "is_masked": False})
    fields = {"username": "ann", "is_active": "on", "daily_lead_limit": "1", "monthly_budget": "1"}
    answer = client.post(address(User, "change", ann.pk), {**fields, **roles(ann, role="caller")})
    assert f"{team}: A team keeps at least one manager: make somebody else one first." in words(answer)
    assert ann.memberships.get().role == "manager"


def test_a_page_of_before_gives_back_no_role_or_budget_that_was_taken_meanwhile():
    client = superuser()[1]
    ann, _ = staff("ann", monthly_budget=Decimal(500))
    bob, _ = member(ann.memberships.get().team, "manager", "bob", monthly_budget=Decimal(500))
    place = address(User, "change", bob.pk)
    shown = boxes(client.get(place))

    client.post(place, shown | {"memberships-0-role": "reader", "monthly_budget": "5"})
    client.post(place, shown | {"first_name": "Robert"})

    bob.refresh_from_db()
    assert (bob.first_name, bob.monthly_budget, bob.memberships.get().role) == ("Robert", Decimal(5), "reader")
    assert bob.check_password("") is False and bob.is_staff


def test_groups_are_for_superusers_because_they_give_permissions():
    ann, client = staff("ann")
    ann.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))

    assert client.get(address(Group, "changelist")).status_code == 403
    assert client.post(address(Group, "add"), {"name": "all"}).status_code == 403


def test_a_superuser_changes_a_limit_and_a_negative_one_is_refused():
    ann, _ = staff("ann")
    client = superuser()[1]
    fields = {"username": "ann", "daily_lead_limit": "10", **roles(ann)}

    assert client.post(address(User, "change", ann.pk), {**fields, "monthly_budget": "25.50"}).status_code == 302
    ann.refresh_from_db()
    assert (ann.daily_lead_limit, ann.monthly_budget) == (10, Decimal("25.50"))
    for refused, told in (("-1", "Enter a budget of $0 or more."), ("1e9", "Enter a budget of $999,999,999 or less.")):
        page = client.post(address(User, "change", ann.pk), {**fields, "monthly_budget": refused})
        assert (page.status_code, told in page.content.decode()) == (200, True)
    ann.refresh_from_db()
    assert ann.monthly_budget == Decimal("25.50")


def test_staff_see_no_users_even_with_permission_because_users_give_permissions():
    ann, client = staff("ann")
    ann.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))

    assert client.get(address(User, "changelist")).status_code == 403
    assert client.post(address(User, "change", ann.pk), {"is_superuser": "on"}).status_code == 403
    ann.refresh_from_db()
    assert not ann.is_superuser


def test_users_are_not_deleted_here():
    ann, _ = staff("ann")
    client = superuser()[1]

    assert client.post(address(User, "delete", ann.pk), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get(address(User, "changelist")).content.decode()


def test_a_token_is_revoked_after_a_question():
    ann, client = staff("ann")
    token, _ = issue_token(user=ann, name="A program")
    page = f"{address(AuthToken, 'change', token.token_key)}revoke/"

    asked = client.get(page)
    assert f"{token.token_key[:8]}… of ann" in asked.content.decode()
    assert AuthToken.objects.count() == 1
    answer = client.post(page, {"confirmed": "Revoke"})

    assert words(answer) == [f"Revoked {token.token_key[:8]}… of ann."]
    assert not AuthToken.objects.exists()


def test_a_token_of_somebody_else_is_as_if_it_were_not_there():
    ann, _ = staff("ann")
    token, _ = issue_token(user=ann, name="A program")
    client = staff("bob")[1]

    assert token.token_key not in client.get(address(AuthToken, "changelist")).content.decode()
    answer = client.post(f"{address(AuthToken, 'change', token.token_key)}revoke/", {"confirmed": "Revoke"})

    assert words(answer) == ["There is no such token."]
    assert AuthToken.objects.count() == 1


def test_a_visitor_who_is_not_staff_is_sent_to_sign_in():
    from tests.admin_site import signed_in

    client = signed_in(User.objects.create_user("cat"))

    assert client.get(address(AuthToken, "changelist"))["Location"].startswith("/admin/login/")
    assert client.get(address(AuthToken, "change", "abc"))["Location"].startswith("/admin/login/")
