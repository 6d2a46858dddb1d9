"""Tags, activities, and the record of who saw whose contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from common.admin import ByRow, Empty, OwnedAdmin, ReadOnlyAdmin, link_to, sees_all
from leads.models import Activity, Disclosure, Tag


class OfLead(ByRow):
    title = "lead"
    parameter_name = "lead"
    field = "lead"


class _TagForm(forms.ModelForm[Tag] if TYPE_CHECKING else forms.ModelForm):  # type: ignore[misc]
    owner: Any = None

    def clean(self) -> dict[str, Any]:
        """Once per owner, in any case: the database's rule, in words."""
        self.instance.owner = self.owner
        name = self.cleaned_data.get("name", "")
        if Tag.objects.owned_by(self.owner).filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(f"There is a tag {name!r} already.")
        return {**self.cleaned_data}


@admin.register(Tag)
class TagAdmin(OwnedAdmin):
    """A user's own labels."""

    empty = Empty("Tags are your own labels for leads, such as “hot”.", "Add tag", "leads_tag_add")
    editable = True
    form = _TagForm
    list_display = ("name", "color", "owner")
    list_select_related = ("owner",)
    search_fields = ("name",)
    fields = ("name", "color", "owner")
    readonly_fields = ("owner",)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request)

    def get_form(
        self,
        request: HttpRequest,
        obj: Tag | None = None,
        change: bool = False,  # Django's signature
        **kwargs: object,
    ) -> Any:
        """The owner is no field: it is the user who makes the tag."""
        form = super().get_form(request, obj, change, **kwargs)
        return type("TagForm", (form,), {"owner": obj.owner if obj else request.user})


@admin.register(Activity)
class ActivityAdmin(OwnedAdmin):
    """What was done about leads. Append-only."""

    empty = Empty(
        "Activities are the calls, messages and notes you log on your leads.", "Leads", "leads_lead_changelist"
    )
    owner = "lead__owner"
    list_display = ("created_at", "kind", "due_at", "lead_link", "by", "text")
    list_select_related = ("lead", "by")
    list_filter = (OfLead, "kind")

    @admin.display(description="lead")
    def lead_link(self, activity: Activity) -> str:
        return link_to(activity.lead)


@admin.register(Disclosure)
class DisclosureAdmin(ReadOnlyAdmin):
    """Whose phones and e-mails were seen or exported, by whom. For superusers: it tells of everybody."""

    empty = Empty(
        "The contact access log lists who has seen or exported phones and e-mails.", "Leads", "leads_lead_changelist"
    )
    list_display = ("created_at", "by", "what", "via", "leads", "bucket_id", "lead_id")
    list_select_related = ("by",)
    list_filter = ("what", "via")
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return sees_all(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return sees_all(request)
