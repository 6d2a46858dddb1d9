"""Texts with variables, and what one looks like to one of one's own leads while it is written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from accounts.access import Scope, access
from accounts.selectors import user_of
from campaigns.admin.words import dollars
from campaigns.models import Template, TemplateVersion
from campaigns.planning.refusals import CampaignError
from campaigns.rules.templates import VARIABLES
from campaigns.texts.samples import Shown, price_of, show
from campaigns.texts.templates import NAME_MAX, change_template, checked, create_template, delete_template
from common.admin import Empty, ask, confirmed, dressed, is_id, page
from common.admin_teams import TeamAdmin, demand
from common.contact_access import masked_text
from leads.models import Lead
from leads.permission.selling import active_seller
from leads.querysets import HAS_PHONE

EXAMPLES = 20  # leads to look at a text with: the latest


class TemplateForm(forms.Form):
    name = forms.CharField(max_length=NAME_MAX)
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 6}),
        strip=False,
        help_text="Hi {{firstName|there}}: a variable, with what stands there for who has none. "
        f"There are {', '.join(name for name in VARIABLES if name != 'unsubscribeUrl')}.",
    )

    def refuse(self, error: CampaignError) -> None:
        """Beside the field that it names."""
        where = f" (character {error.more['position'] + 1})" if "position" in error.more else ""
        self.add_error(error.field if error.field in self.fields else None, f"{error}{where}")


class LeadForm(forms.Form):
    lead = forms.ChoiceField(label="Show it to", required=False)

    def __init__(self, *args: Any, leads: QuerySet[Lead], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["lead"]
        field.choices = [("", "A made-up owner"), *((str(lead.pk), str(lead)) for lead in leads)]


def shown_to(request: HttpRequest, shown: Shown, team_id: int | None) -> dict[str, Any]:
    """A text of this team for a page. Who may not see its contacts reads it masked."""
    may_read = access(request).can_in(team_id, Scope.CONTACTS)
    text = shown.text if may_read else masked_text(shown.text)
    return {"shown": shown, "text": text, "price": dollars(price_of(shown))}


@admin.register(Template)
class TemplateAdmin(TeamAdmin):
    """Texts that the team uses again and again."""

    empty = Empty("Templates are the texts of your campaigns.", "Add template", "campaigns_template_add")
    adds = changes = Scope.WRITE
    list_display = ("name", "says", "segments", "created_at")
    list_filter = ()
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = TemplateVersion.objects.filter(template=OuterRef("pk")).order_by("-number")
        rows = super().get_queryset(request)
        found: QuerySet[Any] = rows.annotate(
            newest=Subquery(newest.values("text")[:1]), many=Subquery(newest.values("segments")[:1])
        )
        return found

    @admin.display(description="text")
    def says(self, row: Any) -> str:
        text = row.newest or ""
        return text if len(text) <= 100 else f"{text[:100]}…"

    @admin.display(description="segments")
    def segments(self, row: Any) -> str:
        return str(row.many or "–")

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            path("shown/", inside(require_safe(self.shown)), name="campaigns_template_shown"),
            path("<uuid:template_id>/remove/", inside(self.remove), name="campaigns_template_remove"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        demand(request, Scope.WRITE)
        form = TemplateForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            team_id = access(request).team_id
            assert team_id is not None  # demanded
            try:
                made, _ = create_template(by=user_of(request), team_id=team_id, **form.cleaned_data)
            except CampaignError as error:
                form.refuse(error)
            else:
                self.message_user(request, f"Saved: {made}.", messages.SUCCESS)
                return redirect("admin:campaigns_template_change", made.pk)
        return self._page(request, form, "Add template")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        template = self._template(request, object_id)
        if request.method == "POST":
            demand(request, Scope.WRITE, template.team_id)
        latest = template.versions.order_by("-number")[:1].first()
        first = {"name": template.name, "text": latest.text if latest else ""}
        form = TemplateForm(request.POST if request.method == "POST" else None, initial=first)
        if form.is_valid():
            try:
                _, newest = change_template(template=template, by=user_of(request), **form.cleaned_data)
            except CampaignError as error:
                form.refuse(error)
            else:
                words = "Saved. Campaigns keep the text they have." if newest != latest else "Saved."
                self.message_user(request, words, messages.SUCCESS)
                return redirect("admin:campaigns_template_change", template.pk)
        versions = template.versions.order_by("-number")[1:6]
        return self._page(request, form, template.name, row=template, latest=latest, versions=versions)

    def remove(self, request: HttpRequest, template_id: UUID) -> HttpResponse:
        template = self._template(request, template_id)
        demand(request, Scope.WRITE, template.team_id)
        if confirmed(request):
            try:
                delete_template(template=template, by=user_of(request))
            except CampaignError as error:
                self.message_user(request, str(error), messages.ERROR)
                return redirect("admin:campaigns_template_change", template.pk)
            self.message_user(request, f"Deleted: {template}.", messages.SUCCESS)
            return redirect("admin:campaigns_template_changelist")
        back = reverse("admin:campaigns_template_change", args=[template.pk])
        lines = ["One that a campaign uses stays."]
        return ask(self, request, [], title=f"Delete {template}?", lines=lines, button="Delete", back=back)

    def shown(self, request: HttpRequest) -> HttpResponse:
        """The piece of the page that shows the text as it is typed. It stores nothing."""
        if not self.has_module_permission(request):
            raise PermissionDenied("This is for people of a team.")
        return TemplateResponse(
            request,
            "admin/campaigns/text.html",
            self._shown(request, request.GET.get("text", ""), access(request).team_id),
        )  # fmt: skip

    def _shown(self, request: HttpRequest, text: str, team_id: int | None) -> dict[str, Any]:
        asked = request.GET.get("lead", "")
        lead = self._leads(request).filter(pk=asked).first() if is_id(asked) else None
        try:
            seller = active_seller(access(request).team_id)
            found = show(checked(text), lead=lead, seller=seller, agent=user_of(request))
        except CampaignError as error:
            return {"trouble": str(error) if text.strip() else ""}
        return {"lead": lead, **shown_to(request, found, team_id)}

    @staticmethod
    def _leads(request: HttpRequest) -> QuerySet[Lead]:
        return Lead.objects.seen_by(access(request))

    def _template(self, request: HttpRequest, template_id: UUID | str) -> Template:
        found: Template | None = None
        if is_id(str(template_id)):
            found = self.get_queryset(request).filter(pk=template_id).first()
        if found is None:
            raise Http404("There is no such template.")
        return found

    def _page(self, request: HttpRequest, form: TemplateForm, title: str, **more: Any) -> HttpResponse:
        template, own = more.get("row"), access(request).team_id
        may_change = access(request).can_in(template.team_id, Scope.WRITE) if template else True
        leads = self._leads(request).filter(HAS_PHONE).order_by("-pk")[:EXAMPLES]
        shows = own is not None
        return page(
            self, request, "admin/campaigns/template.html", title, form=dressed(form), may_change=may_change,
            leads=dressed(LeadForm(leads=leads))["lead"] if shows else None,
            **self._shown(request, str(form["text"].value() or ""), template.team_id if template else own), **more,
        )  # fmt: skip
