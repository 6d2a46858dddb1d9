"""The forms of a team's page."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Role, Team, User
from common.admin import AsShown, ShownBeside

# In one line each: what a person of this role may do (`accounts.access.SCOPES_OF`).
ROLES_IN_WORDS = {
    Role.READER: "Looks at buckets, leads and jobs. No phones and e-mails.",
    Role.CALLER: "Works the leads assigned to them: contacts, activities, callbacks.",
    Role.BUYER: "All of the team’s leads; imports, exports, and buys data within their own and the team’s limits.",
    Role.MANAGER: "All of this, and people, limits, sharing and deleting.",
}


class TeamForm(AsShown):
    """Name and limits; how many leads it may hold is for superusers."""

    class Meta:
        model = Team
        fields = ("name", "monthly_budget", "daily_lead_limit", "lead_limit")
        labels = {"monthly_budget": "Monthly budget ($)", "lead_limit": "Leads it may hold"}
        help_texts = {"lead_limit": "Empty: as many as any team of this installation"}

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not by.is_superuser:
            del self.fields["lead_limit"]


class MemberForm(ShownBeside, forms.Form):
    """What one person is in the team."""

    role = forms.ChoiceField(choices=Role.choices)
    is_masked = forms.BooleanField(required=False, label="Hide phones and e-mails")


class AddForm(MemberForm):
    """Somebody who has an account here. For superusers: others invite by e-mail."""

    username = forms.CharField(max_length=150, label="User name")
    field_order = ("username", "role", "is_masked")

    def clean_username(self) -> User:
        user = User.objects.filter(username=self.cleaned_data["username"].strip(), is_active=True).first()
        if user is None:
            raise forms.ValidationError("There is no active user of this name.")
        return user


class NewTeamForm(forms.Form):
    """A team and its first manager."""

    name = forms.CharField(max_length=100, label="Name of the team")
    manager = forms.CharField(
        max_length=150, label="Its first manager", help_text="User name of somebody with an account"
    )

    def clean_manager(self) -> User:
        user = User.objects.filter(username=self.cleaned_data["manager"].strip(), is_active=True).first()
        if user is None:
            raise forms.ValidationError("There is no active user of this name.")
        return user
