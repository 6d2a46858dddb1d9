"""What a lead's own page shows. Every query of the page is made here or in a room above."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin import dressed, is_id, page, sees_all
from common.admin_extensions import Extensible
from common.admin_teams import may
from common.contact_access import holds_contact, masked_text
from integrations.vendors.errors import failure_in_words
from leads import registries
from leads.admin import assigning, merged_leads
from leads.admin.custom_card import CustomForm, card_of
from leads.admin.dnc import with_dnc
from leads.admin.lead_facts import another_owner, contacts, groups, numbers_of, place, signals
from leads.admin.lead_links import links
from leads.admin.presence import look
from leads.admin.stages import key_of, stage_words
from leads.admin.suppress_form import SuppressForm
from leads.admin.typed_form import TypedForm
from leads.admin.walk import Walk, walk_of
from leads.admin.work_form import TagForm, WorkForm
from leads.calendar import clock
from leads.facts.doubts import warning_of
from leads.facts.names import contradictions
from leads.keys import owners
from leads.models import Activity, Lead
from leads.permission.adding import kept_from_calls
from leads.permission.scrubbing import checked_numbers
from leads.selection.disclosures import names_in
from leads.selectors import activities_of

ACTIVITIES = 20  # of one page of the timeline
OTHERS = 10  # of the owner's other properties on one page, the oldest first
LOOKING = "looking"  # of the address: only the line that says who looks at the lead


@dataclass
class Forms:
    """The page's forms: those that were posted with what is wrong in them, else as they come."""

    lead: Lead
    work: WorkForm | None = None
    tag: TagForm | None = None
    suppress: SuppressForm | None = None
    typed: TypedForm | None = None
    custom: CustomForm | None = None

    def of_work(self, request: HttpRequest) -> WorkForm:
        lead = self.lead
        first = {"status": key_of(lead), "was": key_of(lead), "seen": lead.activity_count}
        form = self.work or WorkForm(initial=first, lead=lead)
        form.fields["due_at"].help_text = f"By your clock ({user_of(request).time_zone})"
        return form


@dataclass(frozen=True, slots=True)
class OwnersProperties:
    """What the page lists of the owner's other properties: some with the reasons, and how many there are. after: where
    the next ones begin.
    """

    rows: list[tuple[Lead, str]] = field(default_factory=list)
    count: str = "0"
    after: str = ""
    is_first: bool = True


def show_page(
    model_admin: Extensible, request: HttpRequest, lead: Lead, forms: Forms, *, is_shown: bool, trouble: str = ""
) -> HttpResponse:
    """The page. is_shown: its contacts are, which the caller has recorded. trouble: why a press came to nothing."""
    if request.method == "GET" and LOOKING in request.GET:
        return TemplateResponse(request, "admin/leads/lead/looking.html", {"looking": look(lead, access(request))})
    walk = walk_of(model_admin, request, lead)
    return page(
        model_admin,
        request,
        "admin/leads/lead/page.html",
        str(lead),
        lead=lead,
        original=lead,  # the theme's way back
        place=place(lead),
        trouble=trouble,
        walk=walk,
        looking=look(lead, access(request)),
        page_query=f"&{walk.kept}" if walk else "",
        **_rights(request, lead),
        **_contacts(request, lead, walk, is_shown=is_shown),
        **_facts(lead, is_shown=is_shown),
        stage=lead.get_status_display() if _looks_only(request, lead) else stage_words(lead),
        custom=card_of(request, lead, forms.custom, shown_contacts=is_shown),
        **_forms(request, lead, forms, is_shown=is_shown),
        owners=_owners_properties(lead, request),
        is_due=lead.callback_at is not None and lead.callback_at < clock.now(),
        merged=merged_leads.shown(lead),
        **model_admin.added_context(request, lead),
    )


def timeline_of(request: HttpRequest, lead: Lead) -> list[Activity]:
    """A page of it, and one more where there is another page; none of a bucket that another team shares."""
    if _looks_only(request, lead):
        return []
    activities, before = activities_of(lead).order_by("-pk"), request.GET.get("before", "")
    return list((activities.filter(pk__lt=before) if is_id(before) else activities)[: ACTIVITIES + 1])


def _looks_only(request: HttpRequest, lead: Lead) -> bool:
    return not sees_all(request) and access(request).team_id != lead.team_id


def _rights(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    person, may_assign = access(request), may(request, Scope.WRITE, lead.team_id)
    may_work, may_show = (person.can_in(lead.team_id, scope) for scope in (Scope.WRITE, Scope.CONTACTS))
    return {
        "may_show": may_show,
        "may_work": may_work,
        "may_type": may_work and may_show,
        "may_assign": may_assign,
        "assignees": assigning.assignable(lead.team_id)[: assigning.MEMBERS_OFFERED] if may_assign else (),
        "only_lead": person.only_assigned,
        "is_other_teams": person.team_id != lead.team_id,
        "looks_only": _looks_only(request, lead),
    }


def _usable(request: HttpRequest, lead: Lead) -> Collection[str] | None:
    """The addresses that a press may use now: a number is a link only where every rule says yes."""
    judge = registries.judge()
    return judge.usable(lead, user_of(request)) if judge else None


def _contacts(request: HttpRequest, lead: Lead, walk: Walk | None, *, is_shown: bool) -> dict[str, Any]:
    """Phones, e-mails and what was noted, where people write such, too."""
    timeline = timeline_of(request, lead)
    with_dnc([lead])
    numbers, looks_only = numbers_of(lead), _looks_only(request, lead)
    checks = None if looks_only else checked_numbers(lead.team_id, numbers)
    kept = () if looks_only else kept_from_calls(numbers, team_id=lead.team_id, lead=lead)
    usable = _usable(request, lead) if is_shown else None
    return {
        "contacts": contacts(lead, shown=is_shown, usable=usable, checks=checks, kept=kept),
        "contacts_shown": is_shown,
        "hides_notes": not is_shown and holds_contact(*(one.text for one in timeline), *names_in(lead)),
        "walks": walk is not None and bool(walk.next or walk.previous),
        "timeline": [(one, one.text if is_shown else masked_text(one.text)) for one in timeline[:ACTIVITIES]],
        "older": timeline[ACTIVITIES - 1].pk if len(timeline) > ACTIVITIES else None,
        "is_first": not is_id(request.GET.get("before", "")),
    }


def _facts(lead: Lead, *, is_shown: bool) -> dict[str, Any]:
    found = groups(lead, shown=is_shown)
    return {
        "signals": signals(lead),
        "last_error": failure_in_words(lead.enrichment_error or ""),
        "groups": [one for one in found if not one.is_mailing],
        "mailings": [one for one in found if one.is_mailing],
        "another_owner": another_owner(lead),
        "contradictions": [*filter(None, [warning_of(lead)]), *contradictions(lead)],
        "links": list(links(lead)),
        "tags": list(lead.tags.order_by("name")),
    }


def _forms(request: HttpRequest, lead: Lead, forms: Forms, *, is_shown: bool) -> dict[str, Any]:
    typed = forms.typed or (TypedForm(lead) if is_shown else None)
    return {
        "work": dressed(forms.of_work(request)),
        "tag_form": dressed(forms.tag or TagForm(auto_id="tag_%s")),
        "suppress": dressed(forms.suppress or SuppressForm(lead)),
        "typed": dressed(typed) if typed else None,
    }


def _owners_properties(lead: Lead, request: HttpRequest) -> OwnersProperties:
    person, after = access(request), request.GET.get("others", "")
    contacts = person.can_in(lead.team_id, Scope.CONTACTS)
    others = owners.others_of(lead, Lead.objects.filter(team=lead.team_id), contacts=contacts)
    others = others.filter(assigned_to=person.user.pk) if person.only_assigned else others
    rest = others.filter(pk__gt=after) if is_id(after) else others
    rows = list(rest.select_related("bucket").defer("apollo_data").order_by("pk")[: OTHERS + 1])
    count = str(len(rows))
    if len(rows) > OTHERS or is_id(after):
        many = owners.count_of(others)
        count = f"{many:,}{' or more' if many == owners.COUNTED else ''}"
    listed = rows[:OTHERS]
    why = owners.reasons(lead, listed, contacts=contacts)
    return OwnersProperties(
        [(row, ", ".join(why.get(row.pk, []))) for row in listed],
        count,
        str(listed[-1].pk) if len(rows) > OTHERS else "",
        not is_id(after),
    )
