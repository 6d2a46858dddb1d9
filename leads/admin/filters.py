"""The filters beside the list of leads: those of the API, by the same names, as selects and boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.access import access
from accounts.models import User
from accounts.selectors import user_of
from common.admin import is_id, sees_all
from common.admin_teams import TEAM, teams_offered
from common.contact_access import told
from leads.fields.cells import PREFIX
from leads.fields.definitions import fields_of
from leads.models import CustomField, Lead, Tag
from leads.pipeline.labels import labels_of
from leads.querysets import own_callbacks
from leads.registries import buckets_of, talks
from leads.selection.filter_kinds import CALLBACKS, ME, NOBODY
from leads.selection.filters import ASSIGNED_TO, MATCH, MATCHES, STATUS_LABEL, BadFilter, matching
from leads.selection.filters import FILTERS as NAMES
from leads.selection.sorting import LABELS, OF_CONTACTS, label_of, sort_of

Choices = Iterable[tuple[str, Any]]
WRONG = "wrong_filters"  # of a request that answers no page: a list for what the list's filters would say on one


def _of_person(request: HttpRequest, model_admin: Any) -> dict[str, Any]:
    """What filters go by beside what is asked: her clock, whether she may tell owners by their contacts, who she is."""
    person = user_of(request)
    return {
        "time_zone": person.time_zone,
        "contacts": model_admin.knows_contacts(request),
        "me": person.pk,
        "team_id": None if sees_all(request) and request.GET.get(TEAM) else access(request).team_id,
    }


def fields_of_list(request: HttpRequest) -> list[CustomField]:
    """The custom fields of the one team whose leads the list shows, read once a request."""
    kept: dict[str, Any] = vars(request)
    if "desk_custom_fields" not in kept:
        of_others = sees_all(request) and request.GET.get(TEAM)
        kept["desk_custom_fields"] = [] if of_others else fields_of(access(request).team_id)
    found: list[CustomField] = kept["desk_custom_fields"]
    return found


LATEST = 100  # buckets and tags to choose from; a link may name any
YES_NO: Choices = [("true", "Yes"), ("false", "No")]


class _LeadFilter(admin.SimpleListFilter):
    """One filter of `leads.filters`, by its name there. The address takes what the API takes, several values too.

    What cannot be read is said at its field and above the list, and the list is empty: never silently "all".
    """

    group = "Lead"
    attributes: ClassVar[Mapping[str, str]] = {"type": "text"}  # of its box

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: admin.ModelAdmin[Any]
    ) -> None:
        self.given = [value for value in params.get(str(self.parameter_name), []) if value.strip()]
        self.wrong = ""
        self.model_admin: Any = model_admin
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """None to click: `drawn` stands in a form."""
        return iter(())

    @property
    def drawn(self) -> SafeString:
        """Its label and its box, as text: drawn by Django's forms, the filters were two fifths of the page's time."""
        at = f"filter_{self.parameter_name}"
        attributes = {"name": str(self.parameter_name), "id": at}
        wrong: str = ""
        if self.wrong:
            attributes |= {"aria-invalid": "true", "aria-describedby": f"{at}_error"}
            wrong = format_html('<span class="desk-error" role="alert" id="{}_error">{}</span>', at, self.wrong)
        label = format_html('<label for="{}">{}</label>', at, self.title)
        return format_html('<p class="desk-filter">{}{}{}</p>', label, self._box(attributes), wrong)

    def _box(self, attributes: dict[str, Any]) -> SafeString:
        """Several values in the address are all that is offered, these chosen."""
        if len(self.given) > 1:
            choices = {str(value): words for value, words in self.lookup_choices}
            choices |= {value: value for value in self.given if value not in choices}
            return _select(attributes | {"multiple": True}, choices.items(), self.given)
        value = {"value": self.given[0]} if self.given else {}
        return format_html("<input{}>", flatatt({**self.attributes, **attributes, **value}))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.given:
            return queryset
        try:
            return self.passing(request, queryset)
        except ValueError as error:
            self.wrong = str(error)
            words = f"{self.title}: this filter cannot be read, so no lead is shown. {error}"
            told: list[str] | None = vars(request).get(WRONG)
            if told is None:
                messages.error(request, words)
            else:
                told.append(words)
            return queryset.none()

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The leads that pass. Raises ValueError. Where any filter is enough, `Match` lets them through together."""
        name = str(self.parameter_name)
        asked = {name: self.given if len(self.given) > 1 else self.given[0]}
        try:
            passed = matching(queryset, asked, **_of_person(request, self.model_admin))
        except BadFilter as error:
            raise ValueError(" ".join(error.errors[name])) from error
        return queryset if request.GET.get(MATCH) == "any" else passed


class _Select(_LeadFilter):
    """A choice. One that stands in the address and is not offered is kept, and shown as it is."""

    unset = "All"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        offered = list(self.offered(request))
        value = self.value()
        return offered if not value or value in dict(offered) else [*offered, (value, "This one")]

    def offered(self, request: HttpRequest) -> Choices:
        raise NotImplementedError

    def _box(self, attributes: dict[str, Any]) -> SafeString:
        if len(self.given) > 1:
            return super()._box(attributes)
        unset = [("", self.unset)] if self.unset else []
        return _select(attributes, [*unset, *self.lookup_choices], self.given or [""])


class InBucket(_Select):
    title = "Bucket"
    parameter_name = "bucket"

    def offered(self, request: HttpRequest) -> Choices:
        person = access(request)
        if person.only_assigned:
            return []
        rows = buckets_of(person).order_by("-pk").values_list("pk", "name", "team")[:LATEST]
        named = [(str(pk), told(name, team), team == person.team_id) for pk, name, team in rows]
        return [(pk, name if is_own else f"{name} (another team)") for pk, name, is_own in named]

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not all(map(is_id, self.given)):
            raise ValueError("This is not a bucket’s id.")
        return queryset.filter(bucket=self.given[0]) if len(self.given) == 1 else queryset.filter(bucket__in=self.given)


class Tagged(_Select):
    title = "Tag"
    parameter_name = "tag"

    def offered(self, request: HttpRequest) -> Choices:
        rows = Tag.objects.order_by("name")
        own = rows.seen_by(access(request))
        rows = self.model_admin.of_list(request, rows) if sees_all(request) else own
        names = dict.fromkeys(rows.values_list("name", flat=True)[:LATEST])
        return [(name, name) for name in names if told(name) == name]  # it stands in the address too


class Labelled(_Select):
    title = "Status label"
    parameter_name = STATUS_LABEL

    def offered(self, request: HttpRequest) -> Choices:
        names = [one.name for one in labels_of(access(request).team_id)]
        return [*((name, name) for name in names if told(name) == name), (NOBODY, "No label")]


class LastOutcome(_Select):
    title = "Last call ended"
    parameter_name = "lastOutcome"

    def offered(self, request: HttpRequest) -> Choices:
        known = talks()
        return [(code, str(told(words))) for code, words in known.outcomes(access(request).team_id)] if known else []


class AssignedTo(_Select):
    """Who works the lead."""

    title = "Assigned to"
    parameter_name = ASSIGNED_TO

    def offered(self, request: HttpRequest) -> Choices:
        yield from ((ME, "Me"), (NOBODY, "Nobody"))
        members = User.objects.filter(memberships__team=access(request).team_id).exclude(pk=user_of(request).pk)
        yield from ((str(member.pk), member.get_username()) for member in members.order_by("username")[:LATEST])

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the index of assignees, where one person is asked for."""
        passed = super().passing(request, queryset)
        one = str(request.user.pk) if self.given == [ME] else self.given[0]
        if passed is queryset or len(self.given) > 1 or not (one.isascii() and one.isdigit()):
            return passed
        return queryset.filter(assigned_to=int(one))


class InTeam(_Select):
    """Whose leads a superuser's list is of: as `common.admin_teams.OfTeam`, in the form of the filters."""

    title = "Team"
    parameter_name = TEAM
    group = ""
    unset = "My team"

    def offered(self, request: HttpRequest) -> Choices:
        return teams_offered()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = self.model_admin.of_list(request, queryset)
        return found


class CallBack(_Select):
    """One's own: as Home counts them."""

    title = "My callbacks"
    parameter_name = "callback"

    def offered(self, request: HttpRequest) -> Choices:
        return CALLBACKS

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return super().passing(request, own_callbacks(queryset, access(request)))


class SortBy(_Select):
    """No filter: the order the list has."""

    title = "Sort by"
    parameter_name = "sort"
    group = ""
    unset = "Newest first; a search: best match first"

    def offered(self, request: HttpRequest) -> Choices:
        hidden = frozenset() if self.model_admin.knows_contacts(request) else OF_CONTACTS
        yield from ((name, words) for name, words in LABELS.items() if name.lstrip("-") not in hidden)
        for field in fields_of_list(request):
            for sign in ("", "-"):
                yield f"{sign}{PREFIX}{field.key}", label_of(str(field), descending=bool(sign))

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if len(self.given) > 1:
            raise ValueError("Choose one order.")
        person = _of_person(request, self.model_admin)
        sort_of(self.given[0], contacts=person["contacts"], team_id=person["team_id"])
        return queryset


class Match(_Select):
    """No filter: whether all of the others must pass a lead, or any of them."""

    title = "Show leads that pass"
    parameter_name = MATCH
    group = ""
    unset = ""

    def offered(self, request: HttpRequest) -> Choices:
        return MATCHES

    def passing(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        given = {name: [one for one in request.GET.getlist(name) if one.strip()] for name in request.GET}
        asked = {
            name: values
            for name, values in given.items()
            if values and (name in NAMES or name == MATCH or name.startswith(PREFIX))
        }
        if "callback" in asked:  # one's own, as above
            queryset = own_callbacks(queryset, access(request))
        try:
            return matching(
                queryset,
                {name: values if len(values) > 1 else values[0] for name, values in asked.items()},
                **_of_person(request, self.model_admin),
            )
        except BadFilter as error:
            raise ValueError(" ".join(error.errors.get(MATCH, ["One of the filters cannot be read."]))) from error


def _select(attributes: dict[str, Any], choices: Choices, chosen: list[str]) -> SafeString:
    told = _options(tuple((str(value), str(words)) for value, words in choices), tuple(chosen))
    return format_html("<select{}>{}</select>", flatatt(attributes), told)


@lru_cache(maxsize=256)
def _options(choices: tuple[tuple[str, str], ...], chosen: tuple[str, ...]) -> SafeString:
    """Kept: half of the filters of a page ask Yes or No."""
    options = ((value, " selected" if value in chosen else "", words) for value, words in choices)
    return format_html_join("", '<option value="{}"{}>{}</option>', options)


def select(name: str, label: str, choices: Choices = YES_NO) -> Any:
    return type(name, (_Select,), {"title": label, "parameter_name": name, "offered": lambda _self, _request: choices})


def box(name: str, label: str, **attributes: str) -> Any:
    kept = {"type": "text", **attributes}
    return type(name, (_LeadFilter,), {"title": label, "parameter_name": name, "attributes": kept})


def number_box(name: str, label: str) -> Any:
    return box(name, label, type="number", step="any")


def dollar_box(name: str, label: str) -> Any:
    return box(name, label, type="number")


def day_box(name: str, label: str) -> Any:
    return box(name, label, placeholder="YYYY-MM-DD, or 30d: 30 days ago")


def _grouped(name: str, *filters: Any) -> tuple[Any, ...]:
    for one in filters:
        one.group = name
    return filters


_TYPES = [
    ("SFR", "Single family"),
    ("MFR", "Multi-family"),
    ("CONDO", "Condo"),
    ("LAND", "Land"),
    ("MOBILE", "Mobile home"),
]
_PHONE_TYPES = [("mobile", "Mobile"), ("landline", "Landline"), ("voip", "VoIP")]
_OWNERS = [("individual", "Individual"), ("trust", "Trust"), ("llc", "LLC"), ("corporation", "Corporation")]
FILTERS = (
    *_grouped("", SortBy, Match),
    *_grouped(
        "Lead",
        InBucket,
        AssignedTo,
        select("status", "Status", Lead.Status.choices),
        Labelled,
        select("enrichmentStatus", "Data", Lead.Enrichment.choices),
        Tagged,
        box("tagAll", "Has this tag too"),
        box("tagNone", "Without this tag"),
    ),
    *_grouped(
        "Contact",
        CallBack,
        select("contactable", "Ready to call"),
        select("hasPhone", "Has a phone"),
        select("phoneType", "Phone type", _PHONE_TYPES),
        select("doNotCall", "On DNC", [*YES_NO, ("unknown", "DNC unknown")]),
        select("suppressed", "Suppressed"),
        select("litigator", "Known litigator"),
        select("hasEmail", "Has an e-mail"),
        select("doNotMail", "Do not mail"),
        select("newReplies", "New replies"),
        LastOutcome,
        select("neverContacted", "No contact yet"),
        number_box("notTouchedDays", "Not touched for (days)"),
        day_box("lastContactAfter", "Last contact on or after"),
        day_box("lastContactBefore", "Last contact before"),
    ),
    *_grouped(
        "Property",
        number_box("bucketsMin", "On buckets, at least"),
        box("propertyState", "State", maxlength="2", placeholder="WA"),
        box("propertyCounty", "County"),
        box("propertyCity", "City"),
        box("propertyZip", "ZIP"),
        box("near", "Near (latitude, longitude, miles)"),
        box("area", "In an area (corners: latitude,longitude …)", maxlength="4000"),
        select("propertyType", "Property type", [*_TYPES, ("OTHER", "Other")]),
        number_box("bedroomsMin", "Bedrooms from"),
        number_box("bedroomsMax", "Bedrooms to"),
        number_box("bathroomsMin", "Bathrooms from"),
        number_box("bathroomsMax", "Bathrooms to"),
        number_box("sqftMin", "Living area from (sq ft)"),
        number_box("sqftMax", "Living area to (sq ft)"),
        number_box("yearBuiltMin", "Built in or after"),
        number_box("yearBuiltMax", "Built in or before"),
        select("vacant", "Vacant"),
    ),
    *_grouped(
        "Money",
        dollar_box("estimatedValueMin", "Value from ($)"),
        dollar_box("estimatedValueMax", "Value to ($)"),
        dollar_box("estimatedEquityMin", "Equity from ($)"),
        dollar_box("estimatedEquityMax", "Equity to ($)"),
        number_box("equityPercentMin", "Equity from (%)"),
        number_box("equityPercentMax", "Equity to (%)"),
        select("highEquity", "High equity (50% or more)"),
        select("freeClear", "Free and clear"),
    ),
    *_grouped(
        "Owner",
        box("ownerName", "Owner’s name"),
        number_box("ownerBucketsMin", "Owner on buckets, at least"),
        select("ownerType", "Owner type", [*_OWNERS, ("other", "Other")]),
        select("absenteeOwner", "Absentee owner"),
        select("ownerOccupied", "Owner-occupied"),
        number_box("yearsOwnedMin", "Years owned, at least"),
        number_box("yearsOwnedMax", "Years owned, at most"),
        select("preForeclosure", "Pre-foreclosure"),
        select("foreclosure", "Foreclosure"),
        select("taxLien", "Tax lien"),
        select("bankruptcy", "Bankruptcy"),
    ),
    *_grouped(
        "Data",
        select("bought", "Has purchased data"),
        select("enrichedOnly", "Enriched, with a phone"),
        select("needsSkipTrace", "No phone yet"),
        select("needsApollo", "No Apollo data yet"),
        day_box("createdAfter", "Saved on or after"),
        day_box("createdBefore", "Saved before"),
        day_box("updatedAfter", "Changed on or after"),
        day_box("updatedBefore", "Not changed since"),
        day_box("enrichedAfter", "Data purchased on or after"),
        day_box("enrichedBefore", "Data purchased before"),
    ),
    *_grouped("Selection", select("oneLeadPerOwner", "One lead per owner")),  # last: of the leads that pass the others
)
