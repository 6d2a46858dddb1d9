"""Call lists: made from a bucket, a saved view or chosen leads, given to callers, opened, paused, closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Access, Scope, access
from accounts.models import Role, User
from buckets.models import Bucket
from campaigns.admin.campaign_form import BUCKETS_SHOWN, audience_in_words
from campaigns.admin.words import counted
from campaigns.dialing import filling, lists
from campaigns.dialing.lists import ListPlan
from campaigns.dialing.progress import progress
from campaigns.models import CallList, Campaign, CampaignCaller, ListFill
from campaigns.planning.audience import PRESETS, Audience
from campaigns.planning.campaigns import NAME_MAX
from campaigns.planning.refusals import CampaignError
from campaigns.texts.scripts import SCRIPT_MOST
from common.admin import Empty, ask, confirmed, dressed, is_id, page
from common.admin_teams import TeamAdmin, refuse
from leads.models import SavedView

Status = Campaign.Status
ORDERS = (("", "Most equity first for high value, else oldest first"), ("equity", "Most equity first"),
          ("value", "Most valuable first"), ("oldest", "Oldest first"))  # fmt: skip
_FIELDS = {"bucketId": "whom", "viewId": "whom", "audience": "whom", "filters": "whom", "window": "opens"}
_CALLING = (Role.CALLER, Role.BUYER, Role.MANAGER)
LEADS_MOST = 10_000  # chosen ones in an address's stead: they come by a session


class CallListForm(forms.Form):
    """call_list: the one it changes; None: a new one. chosen: leads that were chosen on a list."""

    name = forms.CharField(max_length=NAME_MAX)
    whom = forms.ChoiceField(label="Whom")
    preset = forms.ChoiceField(label="Only", required=False, choices=[("", "All of them"), *PRESETS.items()])
    priority = forms.ChoiceField(label="Order", required=False, choices=ORDERS)
    limit = forms.IntegerField(label="Leads at most", required=False, min_value=1, max_value=100_000)
    opens = forms.TimeField(
        label="Not before", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="Their time; empty: what the law allows",
    )  # fmt: skip
    closes = forms.TimeField(
        label="Not after", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    callers = forms.MultipleChoiceField(
        label="Callers", required=False, widget=forms.CheckboxSelectMultiple, help_text="Nobody checked: the whole team"
    )
    script = forms.CharField(
        max_length=SCRIPT_MOST, required=False, strip=False, widget=forms.Textarea(attrs={"rows": 8}),
        help_text="What callers read out. {{firstName|there}} is a variable, with what stands there for who has none.",
    )  # fmt: skip

    def __init__(
        self, data: Any = None, *, person: Access, call_list: Campaign | None = None, chosen: tuple[UUID, ...] = (),
        bucket: str = "",
    ) -> None:  # fmt: skip
        self.person, self.call_list, self.chosen = person, call_list, chosen
        super().__init__(data, initial=self._initial(bucket))
        fields: dict[str, Any] = self.fields
        fields["callers"].choices = _callers(person)
        if call_list is not None:
            for name in ("whom", "preset", "priority", "limit"):
                del self.fields[name]
        else:
            fields["whom"].choices = self._whom()

    def _initial(self, bucket: str) -> dict[str, Any]:
        row = self.call_list
        if row is None:
            return {"whom": "chosen" if self.chosen else f"bucket:{bucket}" if bucket else ""}
        callers = CampaignCaller.objects.filter(campaign=row).values_list("user_id", flat=True)
        return {
            "name": row.name, "script": row.script, "opens": row.window.get("open"), "closes": row.window.get("close"),
            "callers": [str(pk) for pk in callers],
        }  # fmt: skip

    def _whom(self) -> list[Any]:
        buckets = Bucket.objects.worked_by(self.person).order_by("-pk")[:BUCKETS_SHOWN]
        views = SavedView.objects.seen_by(self.person).order_by("name", "pk")
        chosen = [("chosen", f"The {len(self.chosen):,} leads you chose")] if self.chosen else []
        return [
            ("", "Choose a bucket or a saved view"),
            *chosen,
            ("Buckets", [(f"bucket:{row.pk}", str(row)) for row in buckets]),
            ("Saved views", [(f"view:{row.pk}", str(row)) for row in views]),
        ]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if bool(said.get("opens")) != bool(said.get("closes")) and not {"opens", "closes"} & set(self.errors):
            self.add_error("opens", "Enter both, or neither.")
        return said

    def audience(self) -> Audience:
        """Of a valid form. Raises CampaignError."""
        said = self.cleaned_data
        kind, _, value = said["whom"].partition(":")
        narrowed = {"preset": said["preset"], "limit": said["limit"]}
        if kind == "chosen":
            return Audience(lead_ids=self.chosen, **narrowed)
        if kind == "bucket":
            return Audience(bucket_id=UUID(value), **narrowed)
        view = SavedView.objects.seen_by(self.person).filter(pk=value).first() if kind == "view" else None
        if view is None:
            raise CampaignError("INVALID", "Choose a bucket or a saved view.", "audience")
        return Audience(view=view.query, view_name=view.name, **narrowed)

    def window(self) -> dict[str, Any]:
        """The law's hours where nothing narrower is said."""
        said = self.cleaned_data
        if said["opens"] is None:
            return {}
        return {"open": f"{said['opens']:%H:%M}", "close": f"{said['closes']:%H:%M}", "weekdays": list(range(1, 8))}

    def refuse(self, error: CampaignError) -> None:
        """Beside what it names."""
        name = _FIELDS.get(error.field, error.field)
        self.add_error(name if name in self.fields else None, str(error))


def _callers(person: Access) -> list[tuple[str, str]]:
    people = User.objects.filter(
        memberships__team=person.team_id, memberships__role__in=_CALLING, is_active=True
    ).order_by("username")  # fmt: skip
    return [(str(one.pk), one.get_username()) for one in people]


class StateFilter(admin.SimpleListFilter):
    """By the words that the page has for them."""

    title, parameter_name = "status", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        states = (Status.DRAFT, Status.RUNNING, Status.PAUSED, Status.COMPLETED, Status.CANCELLED)
        return [(str(one), Campaign.OF_LISTS.get(one, str(one.label))) for one in states]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(CallList)
class CallListAdmin(TeamAdmin):
    """Managers make and open them; who is named on one, or else everybody of the team, works it in the dialer."""

    empty = Empty("Call lists give the owners of your leads to callers, one by one.", "Add call list",
                  "campaigns_calllist_add")  # fmt: skip
    list_display = ("name", "state", "members", "for_whom", "created_at")
    list_filter = (StateFilter,)
    search_fields = ("name", "=id")

    @admin.display(description="status", ordering="status")
    def state(self, row: Campaign) -> str:
        return row.get_status_display()

    @admin.display(description="callers")
    def for_whom(self, row: Campaign) -> str:
        return ", ".join(one.user.get_username() for one in row.callers.all()) or "The whole team"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).prefetch_related("callers__user")
        return rows

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._works_here(request) and _manages(request)

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        acts: dict[str, Callable[..., HttpResponse]] = {"open": self.open, "pause": self.pause, "more": self.more}
        return [
            path("<uuid:list_id>/edit/", inside(self.edit), name="campaigns_calllist_edit"),
            path("<uuid:list_id>/live/", inside(require_safe(self.live)), name="campaigns_calllist_live"),
            path("<uuid:list_id>/close/", inside(self.close), name="campaigns_calllist_close"),
            path("<uuid:list_id>/remove/", inside(self.remove), name="campaigns_calllist_remove"),
            *(
                path(f"<uuid:list_id>/{name}/", inside(require_POST(act)), name=f"campaigns_calllist_{name}")
                for name, act in acts.items()
            ),
            *super().get_urls(),
        ]

    def call_list(self, request: HttpRequest, list_id: UUID | str) -> Campaign:
        """One that she may look at, or, where she posts, work on. Raises Http404."""
        found = self.get_queryset(request).filter(pk=list_id).first() if is_id(str(list_id)) else None
        if found is None:
            raise Http404("There is no such call list.")
        row: Campaign = found
        return row

    # --- Making and changing ------------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise refuse(Scope.MANAGE)
        person, bucket = access(request), request.GET.get("bucket", "")
        chosen = tuple(UUID(one) for one in request.session.get(CHOSEN, ()) if request.GET.get("chosen"))
        form = CallListForm(
            request.POST if request.method == "POST" else None, person=person, chosen=chosen,
            bucket=bucket if is_id(bucket) else "",
        )  # fmt: skip
        if form.is_valid():
            try:
                made, added = lists.create_list(person, self._plan(form))
            except CampaignError as error:
                form.refuse(error)
            else:
                request.session.pop(CHOSEN, None)
                self.message_user(request, f"Saved as a draft: {_told(added)} {_after(added)}")
                return redirect("admin:campaigns_calllist_change", made.pk)
        return self._form(request, form, "Add call list")

    @staticmethod
    def _plan(form: CallListForm) -> ListPlan:
        said = form.cleaned_data
        return ListPlan(
            name=said["name"], audience=form.audience(), callers=[int(pk) for pk in said["callers"]],
            window=form.window(), priority=said["priority"], script=said["script"],
        )  # fmt: skip

    def edit(self, request: HttpRequest, list_id: UUID) -> HttpResponse:
        row = self.call_list(request, list_id)
        self._check(request, row)
        form = CallListForm(request.POST if request.method == "POST" else None, person=access(request), call_list=row)
        if form.is_valid():
            said = form.cleaned_data
            changes = {
                "name": said["name"], "window": form.window(), "callers": [int(pk) for pk in said["callers"]],
                "script": said["script"],
            }  # fmt: skip
            try:
                lists.change_list(access(request), row.pk, changes)
            except CampaignError as error:
                form.refuse(error)
            else:
                self.message_user(request, "Saved.", messages.SUCCESS)
                return redirect("admin:campaigns_calllist_change", row.pk)
        return self._form(request, form, row.name, call_list=row)

    def _form(self, request: HttpRequest, form: CallListForm, title: str, **more: Any) -> HttpResponse:
        return page(self, request, "admin/campaigns/dialer/list_form.html", title, form=dressed(form), **more)

    @staticmethod
    def _check(request: HttpRequest, row: Campaign) -> None:
        if row.team_id != access(request).team_id or not _manages(request):
            raise refuse(Scope.MANAGE)

    # --- One list -----------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.call_list(request, object_id)
        audience = Audience.from_json(row.audience)
        return page(
            self, request, "admin/campaigns/dialer/list.html", row.name, list=row,
            whom=row.bucket_name or audience_in_words(audience), preset=PRESETS.get(audience.preset, ""),
            callers=self.for_whom(row), may_manage=row.team_id == access(request).team_id and _manages(request),
            hours=" to ".join(filter(None, (row.window.get("open"), row.window.get("close")))),
            order=dict(ORDERS).get(str(row.audience.get("priority", "")), ""), **_far(row),
        )  # fmt: skip

    def live(self, request: HttpRequest, list_id: UUID) -> HttpResponse:
        """The piece that says how far it is."""
        row = self.call_list(request, list_id)
        far = _far(row)
        answer = TemplateResponse(request, "admin/campaigns/dialer/list_live.html", {"list": row, **far})
        if request.GET.get("filling") and not far["is_filling"]:
            answer["HX-Refresh"] = "true"  # its buttons are others now
        return answer

    def open(self, request: HttpRequest, list_id: UUID) -> HttpResponse:
        return self._done(request, list_id, lists.open_list, "Open: callers get its people in the dialer.")

    def pause(self, request: HttpRequest, list_id: UUID) -> HttpResponse:
        return self._done(request, list_id, lists.pause_list, "Paused: nobody gets a next lead from it.")

    def more(self, request: HttpRequest, list_id: UUID) -> HttpResponse:
        return self._done(request, list_id, lists.add_leads, "")

    def close(self, request: HttpRequest, list_id: UUID) -> HttpResponse:
        row = self.call_list(request, list_id)
        self._check(request, row)
        if confirmed(request):
            return self._done(request, list_id, lists.close_list, "Closed.")
        lines = ["Nobody is called from it any more. What was called and how it ended stays."]
        return self._asked(request, row, f"Close {row.name}?", lines, "Close it")

    def remove(self, request: HttpRequest, list_id: UUID) -> HttpResponse:
        row = self.call_list(request, list_id)
        self._check(request, row)
        if confirmed(request):
            try:
                lists.delete_list(access(request), row.pk)
            except CampaignError as error:
                self.message_user(request, str(error), messages.ERROR)
                return redirect("admin:campaigns_calllist_change", row.pk)
            self.message_user(request, f"Deleted: {row.name}.", messages.SUCCESS)
            return redirect("admin:campaigns_calllist_changelist")
        return self._asked(request, row, f"Delete {row.name}?", ["Its leads stay."], "Delete")

    def _asked(self, request: HttpRequest, row: Campaign, title: str, lines: list[str], button: str) -> HttpResponse:
        back = reverse("admin:campaigns_calllist_change", args=[row.pk])
        return ask(self, request, [], title=title, lines=lines, button=button, back=back)

    def _done(self, request: HttpRequest, list_id: UUID, act: Callable[..., Any], words: str) -> HttpResponse:
        row = self.call_list(request, list_id)
        self._check(request, row)
        try:
            found = act(access(request), row.pk)
        except CampaignError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, words or _told(found), messages.SUCCESS)
        return redirect("admin:campaigns_calllist_change", row.pk)


CHOSEN = "call_list_leads"  # in the session: leads chosen on a list, for the form


def _manages(request: HttpRequest) -> bool:
    person = access(request)
    return person.can(Scope.CAMPAIGN) and person.can(Scope.CONTACTS)


def _far(row: Campaign) -> dict[str, Any]:
    far, fill = progress(row.pk), filling.latest_of(row.pk)
    bar = [(kind, 100 * many / far.people) for kind, many in (("", far.done), ("partial", far.stopped)) if far.people]
    is_filling = fill is not None and fill.is_at_work
    return {
        "far": far, "bar": bar, "why": counted(far.why), "is_moving": is_filling or row.status == Status.RUNNING,
        "is_filling": is_filling, "fill": fill, "filled": 100 * fill.done / fill.leads if fill and fill.leads else 0,
    }  # fmt: skip


def _after(added: ListFill) -> str:
    if added.is_at_work:
        return "You can open it when all of them are on it; this page shows how far it is."
    return "Open it when callers may begin."


def _told(added: ListFill) -> str:
    """212 people of 240 leads; 20 without a phone, 8 with the same owner or on it already."""
    if added.is_at_work:
        return f"{added.leads:,} leads are being added."
    out = [
        f"{many:,} {words}"
        for many, words in (
            (added.no_phone, "without a phone"), (added.same_owner, "with the same owner or number as another"),
        )
        if many
    ]  # fmt: skip
    people = f"{added.people:,} {'person' if added.people == 1 else 'people'} of {added.leads:,} leads"
    return f"{people}{'; left out: ' if out else ''}{', '.join(out)}."
