"""Tags and activities."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.access import Scope, access
from common.admin import AsShown, ByRow, Empty, link_to
from common.admin_teams import TeamAdmin
from common.contact_access import holds_contact, masked_text
from leads.models import Activity, Tag
from leads.privacy.filtering import kept_in


class OfLead(ByRow):
    title = "lead"
    parameter_name = "lead"
    field = "lead"


class _TagForm(AsShown):
    owner: Any = None
    team_id: Any = None
    sees_contacts = False

    def clean(self) -> dict[str, Any]:
        """Once per team, in any case: the database's rule, in words."""
        self.instance.owner, self.instance.team_id = self.owner, self.team_id
        name = kept_in(self.instance, "name", self.cleaned_data.get("name", ""))
        if not self.sees_contacts and holds_contact(name):  # "there is one" would confirm a guess
            raise forms.ValidationError("A tag is no place for a phone or an e-mail.")
        if Tag.objects.filter(team=self.team_id, name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(f"There is a tag {name!r} already.")
        return {**self.cleaned_data, **({"name": name} if name else {})}


@admin.register(Tag)
class TagAdmin(TeamAdmin):
    """A team's own labels."""

    empty = Empty("Tags are your team’s own labels for leads, such as “hot”.", "Add tag", "leads_tag_add")
    changes = adds = Scope.WRITE
    form = _TagForm
    list_display = ("name", "color", "owner")
    list_select_related = ("owner",)
    search_fields = ("name",)
    fields = ("name", "color", "owner")
    readonly_fields = ("owner",)

    def get_form(
        self,
        request: HttpRequest,
        obj: Tag | None = None,
        change: bool = False,  # Django's signature
        **kwargs: object,
    ) -> Any:
        """The owner and the team are no fields: they are the user who makes the tag, and the team she acts in."""
        form = super().get_form(request, obj, change, **kwargs)
        whose = {"owner": obj.owner, "team_id": obj.team_id} if obj else {"owner": request.user}
        asks = access(request)
        of_form = {"team_id": asks.team_id, "sees_contacts": asks.can(Scope.CONTACTS), **whose}
        return type("TagForm", (form,), of_form)


@admin.register(Activity)
class ActivityAdmin(TeamAdmin):
    """What was done about leads. Append-only."""

    empty = Empty(
        "Activities are the calls, messages and notes you log on your leads.", "Leads", "leads_lead_changelist"
    )
    team, assigned = "lead__team", "lead__assigned_to"
    list_display = ("created_at", "kind", "due_at", "lead_link", "by", "words")
    list_select_related = ("lead", "by")
    list_filter = (OfLead, "kind")
    fields = readonly_fields = ("lead", "by", "kind", "words", "due_at", "created_at")

    @admin.display(description="lead")
    def lead_link(self, activity: Activity) -> str:
        return link_to(activity.lead)

    @admin.display(description="notes")
    def words(self, activity: Activity) -> str:
        """Phones and e-mails are shown on the lead's page, where that is recorded."""
        return masked_text(activity.text)
