"""What a person may ask of a run. What it costs is shown by `starting`."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.conf import settings

from common.forms import AskedField, BoxField, OnceForm
from enrichment.models import Run
from enrichment.options import HIT_RATE, SAMPLE, Canary, RunOptions


class StartForm(OnceForm):
    """What every run may be told."""

    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=settings.RUN_LIMIT_MAX,
        label="Number of leads",
        help_text=f"Default {settings.RUN_LIMIT:,}, oldest first; from each bucket",
    )
    max_cost = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=4,
        label="Spending limit ($)",
        help_text="The most each job may spend. Empty: only your own limits",
    )
    quoted = forms.CharField(widget=forms.HiddenInput, max_length=64)
    once = forms.UUIDField(widget=forms.HiddenInput)
    groups: ClassVar[tuple[tuple[str, str, tuple[str, ...]], ...]] = ()  # title, what it is for, names of its fields

    def options(self) -> RunOptions:
        """What was asked for."""
        raise NotImplementedError


class EnrichForm(StartForm):
    """Which leads, and whose contacts. A guard's fields have the names of `leads.filters`."""

    skip_trace = BoxField(required=False, initial=True, help_text="Phones and e-mails too")
    start_from = forms.UUIDField(
        required=False,
        label="Start after lead",
        help_text="A lead’s id. Empty: from the oldest lead not enriched",
    )
    one_per_owner = BoxField(
        required=False,
        label="One lead per owner",
        help_text="The oldest lead of each owner; the quote counts the others",
    )
    absenteeOwner = forms.ChoiceField(
        required=False, label="Absentee owner", choices=[("", "Any"), ("true", "Yes"), ("false", "No")]
    )
    propertyType = forms.ChoiceField(
        required=False,
        label="Property type",
        choices=[
            ("", "Any"),
            ("SFR", "Single family"),
            ("MFR", "Multi-family"),
            ("CONDO", "Condo"),
            ("LAND", "Land"),
            ("MOBILE", "Mobile home"),
            ("OTHER", "Other"),
        ],
    )
    ownerType = forms.ChoiceField(
        required=False,
        label="Owner type",
        choices=[
            ("", "Any"),
            ("individual", "Individual"),
            ("trust", "Trust"),
            ("llc", "LLC"),
            ("corporation", "Corporation"),
            ("other", "Other"),
        ],
    )
    equityPercentMin = forms.IntegerField(required=False, min_value=1, max_value=100, label="Equity from (%)")
    estimatedValueMin = forms.IntegerField(required=False, min_value=0, max_value=10**10, label="Value from ($)")
    estimatedValueMax = forms.IntegerField(required=False, min_value=1, max_value=10**10, label="Value to ($)")
    preForeclosure = AskedField(required=False, label="Pre-foreclosure")
    taxLien = AskedField(required=False, label="Tax lien")
    vacant = AskedField(required=False, label="Vacant")
    freeClear = AskedField(required=False, label="Free and clear")
    sample_first = BoxField(required=False, label="Test a random sample first")
    sample = forms.IntegerField(
        required=False, min_value=1, max_value=settings.RUN_LIMIT_MAX, initial=SAMPLE, label="Leads in the sample"
    )
    sample_rate = forms.IntegerField(
        required=False, min_value=0, max_value=100, initial=int(HIT_RATE * 100), label="Minimum phone hit rate (%)"
    )
    sample_cost = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=4,
        label="Maximum cost per lead ($)",
        help_text="On average. Empty: the vendors’ prices added up",
    )
    guards = (
        "absenteeOwner", "propertyType", "ownerType", "equityPercentMin", "estimatedValueMin", "estimatedValueMax",
        "preForeclosure", "taxLien", "vacant", "freeClear",
    )  # fmt: skip
    groups = (
        (
            "Skip trace only if …",
            "Details are bought first; the owner is skip traced only if they match all of this. Empty fields match "
            "everybody.",
            guards,
        ),
        (
            "Test a random sample first",
            "A few random leads are bought first. If too few have a phone, or they cost too much, the job stops after "
            "the sample and buys no more until you resume it.",
            ("sample_first", "sample", "sample_rate", "sample_cost"),
        ),
        ("Advanced", "To continue where an earlier job ended.", ("start_from",)),
    )
    field_order = ("limit", "max_cost", "start_from", "skip_trace", "one_per_owner")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        low, high = data.get("estimatedValueMin"), data.get("estimatedValueMax")
        if low is not None and high is not None and low > high:
            self.add_error("estimatedValueMax", "Enter a value above “Value from”.")
        return data

    def guard(self) -> dict[str, Any]:
        """What a lead's detail must say before its contacts are bought."""
        given = {name: self.cleaned_data[name] for name in self.guards}
        flags = {"true": True, "false": False}
        return {name: flags.get(value, value) for name, value in given.items() if value not in (None, "")}

    def canary(self) -> Canary | None:
        data = self.cleaned_data
        if not data["sample_first"]:
            return None
        rate = HIT_RATE if data["sample_rate"] is None else Decimal(data["sample_rate"]) / 100
        return Canary(data["sample"] or SAMPLE, rate, data["sample_cost"])

    def options(self) -> RunOptions:
        data = self.cleaned_data
        return RunOptions(
            limit=data["limit"],
            skip_trace=data["skip_trace"],
            start_from=data["start_from"],
            max_cost=data["max_cost"],
            guard=self.guard(),
            canary=self.canary(),
            one_per_owner=data["one_per_owner"],
        )


class RetryForm(EnrichForm):
    """The leads that failed, once more."""

    def options(self) -> RunOptions:
        return replace(super().options(), only_failed=True)


class ApolloForm(StartForm):
    type = forms.ChoiceField(choices=[("people", "People"), ("organizations", "Organizations")], initial="people")
    reveal_emails = BoxField(required=False, initial=True, label="Find e-mails", help_text="Personal e-mails")
    reveal_phones = BoxField(
        required=False, label="Find mobile numbers", help_text="Up to 9 credits each, takes a few minutes"
    )
    field_order = ("type", "limit", "reveal_emails", "reveal_phones", "max_cost")

    def options(self) -> RunOptions:
        data = self.cleaned_data
        return RunOptions(
            kind=Run.Kind.APOLLO,
            limit=data["limit"],
            max_cost=data["max_cost"],
            type=data["type"],
            reveal_emails=data["reveal_emails"],
            reveal_phones=data["reveal_phones"],
        )
