"""Texts with variables, and what one looks like to one of one's own leads while it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast
from uuid import UUID

from csp.decorators import csp_update
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Scope, access
from accounts.selectors import user_of
from campaigns.admin.words import dollars
from campaigns.models import Template, TemplateVersion
from campaigns.planning.refusals import CampaignError
from campaigns.rules.templates import VARIABLES
from campaigns.texts import mail
from campaigns.texts.looks import look
from campaigns.texts.samples import Shown, price_of
from campaigns.texts.templates import (
    EMAIL,
    NAME_MAX,
    PARTS,
    SMS,
    change_template,
    create_template,
    delete_template,
    typed_of,
)
from common.admin import Empty, ask, confirmed, dressed, is_id, page
from common.admin_teams import TeamAdmin, demand
from common.contact_access import masked_text
from leads.models import Lead
from leads.permission.selling import active_seller
from leads.querysets import HAS_PHONE

EXAMPLES = 20  # leads to look at a text with: the latest


class TemplateForm(forms.Form):
    channel: ClassVar[str] = SMS
    name = forms.CharField(max_length=NAME_MAX)
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 6}),
        strip=False,
        help_text="Hi {{firstName|there}}: a variable, with what stands there for who has none. "
        f"There are {', '.join(name for name in VARIABLES if name != 'unsubscribeUrl')}; and your company's snippets, "
        "as {{snippet:signature}}.",
    )

    def refuse(self, error: CampaignError) -> None:
        """Beside the field that it names."""
        where = f" (character {error.more['position'] + 1})" if "position" in error.more else ""
        self.add_error(error.field if error.field in self.fields else None, f"{error}{where}")


class MailForm(TemplateForm):
    channel = EMAIL
    subject = forms.CharField(max_length=mail.SUBJECT_MAX, help_text="On one line, with variables")
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 10}),
        strip=False,
        required=False,
        help_text="Hi {{firstName|there}}: a variable, with what stands there for who has none. There are "
        f"{', '.join(VARIABLES)}; and your company's snippets, as {{{{snippet:signature}}}}. It has "
        "{{companyAddress}} and {{unsubscribeUrl}}. Empty: made of the HTML.",
    )
    html = forms.CharField(
        label="HTML",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        strip=False,
        required=False,
        help_text="Empty: made of the text, paragraph by paragraph. Pictures are linked by https. Scripts, forms and "
        "attachments cannot be sent.",
    )
    field_order = ("name", "subject", "text", "html")


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
    if not shown.subject:
        return {"shown": shown, "text": text, "price": dollars(price_of(shown))}
    html, subject = (one if may_read else masked_text(one) for one in (shown.html, shown.subject))
    return {
        "shown": shown,
        "subject": subject,
        "text": text,
        "html": _framed(html),
        "size": max(1, shown.bytes // 1024),
    }


def _framed(html: str) -> str:
    """For a frame without rights: pictures by https, its own styles, and nothing else of anywhere."""
    policy = "default-src 'none'; img-src https:; style-src 'unsafe-inline'"
    return html.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{policy}">', 1)


@admin.register(Template)
class TemplateAdmin(TeamAdmin):
    """Texts that the team uses again and again."""

    empty = Empty("Templates are the texts and e-mails of your campaigns.", "Add template", "campaigns_template_add")
    adds = changes = Scope.WRITE
    list_display = ("name", "kind", "says", "segments", "created_at")
    list_filter = ("channel",)
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = TemplateVersion.objects.filter(template=OuterRef("pk")).order_by("-number")
        rows = super().get_queryset(request)
        found: QuerySet[Any] = rows.annotate(
            newest=Subquery(newest.values("text")[:1]), many=Subquery(newest.values("segments")[:1]),
            head=Subquery(newest.values("subject")[:1]),
        )  # fmt: skip
        return found

    @admin.display(description="channel", ordering="channel")
    def kind(self, row: Any) -> str:
        return "E-mail" if row.channel == EMAIL else "Text"

    @admin.display(description="text")
    def says(self, row: Any) -> str:
        text = row.head or row.newest or ""
        return text if len(text) <= 100 else f"{text[:100]}…"

    @admin.display(description="segments")
    def segments(self, row: Any) -> str:
        return str(row.many or "–")

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            path("shown/", inside(require_safe(self.shown)), name="campaigns_template_shown"),
            path("shown-mail/", inside(require_POST(self.shown_mail)), name="campaigns_template_shown_mail"),
            path("<uuid:template_id>/remove/", inside(self.remove), name="campaigns_template_remove"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        demand(request, Scope.WRITE)
        form = _form(request.GET.get("channel", SMS))(request.POST if request.method == "POST" else None)
        if form.is_valid():
            team_id = access(request).team_id
            assert team_id is not None  # demanded
            try:
                made, _ = create_template(
                    by=user_of(request), team_id=team_id, channel=form.channel, **form.cleaned_data
                )  # fmt: skip
            except CampaignError as error:
                form.refuse(error)
            else:
                self.message_user(request, f"Saved: {made}.", messages.SUCCESS)
                return redirect("admin:campaigns_template_change", made.pk)
        return self._page(request, form, "Add e-mail template" if form.channel == EMAIL else "Add template")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        template = self._template(request, object_id)
        if request.method == "POST":
            demand(request, Scope.WRITE, template.team_id)
        latest = template.versions.order_by("-number")[:1].first()
        first = {"name": template.name, **(typed_of(latest) if latest else {})}
        form = _form(template.channel)(request.POST if request.method == "POST" else None, initial=first)
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
        said = self._shown(request, SMS, request.GET, access(request).team_id)
        return TemplateResponse(request, "admin/campaigns/text.html", said)

    def shown_mail(self, request: HttpRequest) -> HttpResponse:
        """The same of an e-mail, which is too long for an address."""
        if not self.has_module_permission(request):
            raise PermissionDenied("This is for people of a team.")
        said = self._shown(request, EMAIL, request.POST, access(request).team_id)
        return TemplateResponse(request, "admin/campaigns/mail.html", said)

    def _shown(
        self, request: HttpRequest, channel: str, said: Mapping[str, Any], team_id: int | None
    ) -> dict[str, Any]:
        asked, parts = str(said.get("lead") or ""), {part: str(said.get(part) or "") for part in PARTS}
        lead = self._leads(request).filter(pk=asked).first() if is_id(asked) else None
        try:
            seller = active_seller(access(request).team_id)
            found = look(channel, parts, lead=lead, seller=seller, agent=user_of(request))
        except CampaignError as error:
            is_blank = not parts["text"].strip() and not parts["html"].strip()
            where = {"html": "HTML: ", "subject": "Subject: "}.get(error.field, "")
            return {"trouble": "" if is_blank else f"{where}{error}"}
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
        is_mail = form.channel == EMAIL
        reached = Q(email__isnull=False) if is_mail else HAS_PHONE
        leads = self._leads(request).filter(reached).order_by("-pk")[:EXAMPLES]
        shows = own is not None
        said: dict[str, Any] = {part: form[part].value() for part in PARTS if part in form.fields}
        answer = page(
            self, request, f"admin/campaigns/{'mail_' if is_mail else ''}template.html", title, form=dressed(form),
            may_change=may_change, leads=dressed(LeadForm(leads=leads))["lead"] if shows else None,
            **self._shown(request, form.channel, said, template.team_id if template else own), **more,
        )  # fmt: skip
        return cast("HttpResponse", _with_pictures(lambda _request: answer)(request)) if is_mail else answer


# The frame takes over what its page allows: pictures of e-mails are linked from anywhere.
_with_pictures = csp_update({"img-src": ["https:"]})


def _form(channel: str) -> type[TemplateForm]:
    return MailForm if channel == EMAIL else TemplateForm
