"""A lead's columns stand in several lists: each column in each of them, or here with the reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db.models import F, Field, Q

from buckets.imports.columns import FIELDS
from common.contact_access import MASKED
from leads.admin import lead_facts
from leads.api.serializers import LeadEdit, LeadSerializer
from leads.facts import saving
from leads.facts.columns import CONTACTS, HOUSE, OF_FILE, SIGNALS, TYPED
from leads.models import Lead
from leads.selection.export_columns import COLUMNS as EXPORTED
from leads.selection.filters import FILTERS

FIELDS_OF_LEAD: dict[str, Any] = {f.name: f for f in Lead._meta.concrete_fields}
# What we write of a lead ourselves. Every other column is a fact that somebody brings.
OURS = {
    "id", "bucket", "owner", "team", "assigned_to", "source", "property_id", "status", "enrichment_status",
    "enrichment_error", "enriched_at",
    "skip_traced_at", "apollo_enriched_at", "fact_sources", "other_facts", "callback_at", "last_activity_at",
    "activity_count", "created_at", "updated_at", "merged_into", "last_contact_at",
    "status_label", "custom",
}  # fmt: skip
BROUGHT = {c for source in (saving.PROPERTY, saving.CONTACT, saving.APOLLO) for c in source.types} | {*OF_FILE, *TYPED}
BROUGHT |= {"data"}  # by a person's file, as its columns are

KEYS = ("bucket_id", "owner_id", "assigned_to_id")  # of the API's lead


def reasons(*groups: tuple[str, str]) -> dict[str, str]:
    """(reason, columns) as {column: reason}."""
    return {column: reason for reason, columns in groups for column in columns.split()}


def read_by(expression: Any) -> Iterator[str]:
    """The columns an expression of the export reads."""
    if isinstance(expression, F):
        name: str = expression.name  # type: ignore[attr-defined]  # django-stubs leave it out
        yield "id" if name == "pk" else name.split("__")[0]
    elif hasattr(expression, "get_source_expressions"):
        for part in expression.get_source_expressions():
            yield from read_by(part)


def asked_by(condition: Any) -> Iterator[str]:
    """The columns a condition of a filter asks."""
    if isinstance(condition, Q):
        for child in condition.children:
            yield from asked_by(child)
    else:
        yield condition[0].split("__")[0]


def filtered() -> set[str]:
    found: set[str] = set()
    for one in FILTERS.values():
        found |= {one.column.split("__")[0]} if hasattr(one, "column") else set(asked_by(getattr(one, "yes", Q())))
    return found - {"tag", "pk", ""}  # a table of its own; the id, which says when a lead was saved; a call's outcome


@dataclass(frozen=True)
class Listed:
    """A list that has every column of a lead, or (`facts`) every fact, but for those of `without`."""

    name: str
    where: str
    has: set[str]
    facts: bool = True
    without: Mapping[str, str] = field(default_factory=dict)

    def lacks(self, columns: set[str]) -> str:
        """What is wrong with it, in words; "" where it agrees."""
        missing = sorted((columns - OURS if self.facts else columns) - self.has - set(self.without))
        words = [f"{', '.join(missing)}: {self.name} lacks it. Add it to {self.where}, or here with the reason."]
        stale = sorted(set(self.without) & self.has)
        words += [f"{', '.join(stale)}: {self.name} has it, and the reason here why not is stale."] if stale else []
        return " ".join(words[not missing :])


def page_of(lead: Lead) -> Any:
    """All that a lead's page tells of its facts."""
    told = (lead_facts.groups, lead_facts.place, lead_facts.map_address, lead_facts.signals, lead_facts.another_owner)
    return str(lead), lead_facts.contacts(lead, shown=True), *(tell(lead) for tell in told)


def sample(of: Field[Any, Any]) -> Any:
    kind = of.get_internal_type()
    numbers = {"IntegerField": 3, "BigIntegerField": 4, "DecimalField": 5.5, "BooleanField": True,
               "DateField": date(2020, 7, 14), "JSONField": {"Pool": "Yes"}}  # fmt: skip
    return numbers.get(kind, "+12065550142" if of.name in MASKED else f"a {of.name}")


def shown_on_page() -> set[str]:
    """The facts without which the page of a lead that has them all would be another."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    stamps = dict.fromkeys(("created_at", "enriched_at", "skip_traced_at", "apollo_enriched_at"), at)
    whole = {name: sample(of) for name, of in FIELDS_OF_LEAD.items() if name not in OURS}
    page = page_of(Lead(**stamps, **whole))
    return {name for name in whole if page_of(Lead(**stamps, **{**whole, name: None})) != page}


LISTS = (
    Listed(
        "what somebody brings",
        "integrations/vendors/facts.py if a vendor sells it, to leads/facts/columns.py if a file or a person says it",
        BROUGHT,
    ),
    Listed(
        "what a person may type",
        "TYPED in leads/facts/columns.py and LeadEdit in leads/api/serializers.py",
        {*TYPED},
        without=reasons(
            ("it names the property", "apn fips property_address property_city property_state property_zip "
             "property_county latitude longitude"),
            ("of records or reckoned: a person who knows better changes what it is reckoned from",
             "property_type estimated_equity equity_percent owner_type absentee_owner pre_foreclosure foreclosure "
             "tax_lien bankruptcy high_equity free_clear"),
            ("who a skip trace found, and where", "contact_name contact_is_other traced_address traced_city "
             "traced_state traced_zip"),
            ("of records or a person's file", "second_owner_name litigator do_not_mail last_sale_date last_sale_price"),
            ("columns of a person's file", "data"),
            ("Apollo's alone", "apollo_person_id apollo_org_id apollo_title apollo_company apollo_industry "
             "apollo_linkedin_url apollo_employee_count apollo_data"),
        ),
    ),
    Listed(
        "what a file may bring",
        "OF_FILE in leads/facts/columns.py and FIELDS in buckets/imports/columns.py",
        {*OF_FILE},
        without=reasons(
            ("a vendor's reckoning or the county's records, of which a list's word is of unknown age", "owner_type "
             "pre_foreclosure foreclosure tax_lien bankruptcy high_equity free_clear"),
            ("a skip trace's own word", "traced_address traced_city traced_state traced_zip"),
            ("what no field holds: kept by the columns' own names", "data"),
            ("Apollo's alone", "apollo_person_id apollo_org_id apollo_title apollo_company apollo_industry "
             "apollo_linkedin_url apollo_employee_count apollo_data"),
        ),
    ),
    Listed(
        "the export",
        "COLUMNS in leads/selection/export_columns.py",
        {name for column in EXPORTED for name in read_by(column.value)},
        facts=False,
        without=reasons(
            ("of one team's file, from one bucket, the same in each row", "bucket owner team source"),
            ("who works it, for a program in the API", "assigned_to"),
            ("its keys are columns of their own, see `columns_of`", "data custom"),
            ("a row that is hidden is not exported", "merged_into"),
            ("a number of our own or Apollo's that helps nobody outside", "apollo_person_id apollo_org_id "
             "activity_count last_activity_at updated_at"),
            ("a hidden lead is in no export", "merged_into"),
            ("an object, not a cell; what a caller needs of it has columns", "apollo_data"),
        ),
    ),
    Listed(
        "the API's lead",
        "LeadSerializer in leads/api/serializers.py, which leaves out what `exclude` says",
        {str(f.source).removesuffix("_id") if str(f.source) in KEYS else str(f.source)
         for f in LeadSerializer().fields.values()}
        | {"fact_sources", "other_facts", "status_label", "custom"},  # by methods of their own
        facts=False,
        without=reasons(
            ("a hidden lead is not shown: the list of what is merged into a lead names it", "merged_into"),
            ("its bucket's, which is of the team that asks or shared with it", "team"),
        ),
    ),
    Listed(
        "the filters",
        "FILTERS in leads/selection/filters.py",
        filtered(),
        without=reasons(
            ("of one lead or few: the list's search finds it", "apn property_address first_name last_name "
             "second_owner_name secondary_phone"),
            ("the owner's place or name as it is written, which no campaign is chosen by", "contact_name "
             "mailing_address mailing_city mailing_state mailing_zip traced_address traced_city traced_state "
             "traced_zip"),
            ("the vendor is asked by it when the bucket is filled", "fips latitude longitude"),
            ("what the house is worth today decides, not what it was sold for", "last_sale_price"),
            ("columns of one person's own file", "data"),
            ("the gate asks it: contactable, readyToCall", "contact_is_other"),
            ("the first phone decides who may be called", "secondary_phone_type secondary_phone_do_not_call"),
            ("whose phone it is counts in `contactable`, which the gate judges", "contact_is_other"),
            ("of the few whom Apollo knows", "apollo_person_id apollo_org_id apollo_title apollo_company "
             "apollo_industry apollo_linkedin_url apollo_employee_count apollo_data"),
        ),
    ),
    Listed(
        "the lead's page",
        "leads/admin/lead_facts.py",
        shown_on_page(),
        without=reasons(
            ("an id of Apollo's", "apollo_person_id apollo_org_id"),
            ("an object: what a caller needs of it has columns", "apollo_data"),
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize("one", LISTS, ids=lambda one: one.name)
def test_every_column_of_a_lead_has_its_place(one: Listed) -> None:
    assert one.lacks(set(FIELDS_OF_LEAD)) == ""


def test_a_column_that_is_in_the_model_alone_is_missed_everywhere() -> None:
    words = [one.lacks({*FIELDS_OF_LEAD, "pool"}) for one in LISTS]
    assert len(words) == 7 and all(said.startswith("pool: ") and " Add it to " in said for said in words), words


def test_no_list_has_a_column_that_is_gone() -> None:
    named = {column for one in LISTS for column in (*one.has, *one.without)} - {"*"}  # "*": of a method, no column
    assert named - set(FIELDS_OF_LEAD) == set()


def test_a_file_s_fields_are_what_a_file_may_bring() -> None:
    assert {column for column in FIELDS.values() if column in FIELDS_OF_LEAD} == {*OF_FILE}


def test_what_may_be_typed_can_be_sent() -> None:
    assert {str(f.source) for f in LeadEdit().fields.values()} == {*TYPED, "status", "status_label", "custom"}


def test_what_reaches_a_person_is_masked() -> None:
    assert {name for name in CONTACTS if not name.endswith(("_type", "_do_not_call"))} == {*MASKED}


def test_signals_and_what_is_typed_of_the_house_are_facts_of_the_property() -> None:
    assert {*SIGNALS, *HOUSE} <= set(saving.PROPERTY.types)
