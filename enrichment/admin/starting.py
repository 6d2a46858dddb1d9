"""The page before money is spent: what to ask for, what it costs at most, and a button that means exactly that."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from buckets.models import Bucket
from config.common.admin import ask, confirmed, link_to
from config.common.ids import uuid7
from enrichment.models import Run
from enrichment.selectors import Quote, quote
from enrichment.services import RunError, RunOptions, check_options, start_run


class StartForm(forms.Form):
    """What every run may be told."""

    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=settings.RUN_LIMIT_MAX,
        help_text=f"Leads of each bucket, oldest first; empty: {settings.RUN_LIMIT:,}",
    )
    max_cost = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=4,
        label="Cap, US dollars",
        help_text="The most each run may spend; empty: your own limits only",
    )
    quoted = forms.CharField(widget=forms.HiddenInput, max_length=64)
    once = forms.UUIDField(widget=forms.HiddenInput)

    def options(self) -> RunOptions:
        """What was asked for."""
        raise NotImplementedError


class EnrichForm(StartForm):
    skip_trace = forms.BooleanField(required=False, initial=True, help_text="Phones and e-mails too")
    field_order = ("limit", "skip_trace", "max_cost")

    def options(self) -> RunOptions:
        data = self.cleaned_data
        return RunOptions(limit=data["limit"], skip_trace=data["skip_trace"], max_cost=data["max_cost"])


class RetryForm(EnrichForm):
    """The leads that failed, once more."""

    def options(self) -> RunOptions:
        data = self.cleaned_data
        return RunOptions(
            limit=data["limit"], skip_trace=data["skip_trace"], max_cost=data["max_cost"], only_failed=True
        )


class ApolloForm(StartForm):
    type = forms.ChoiceField(choices=[("people", "People"), ("organizations", "Organizations")], initial="people")
    reveal_emails = forms.BooleanField(required=False, initial=True, help_text="Personal e-mails")
    field_order = ("type", "limit", "reveal_emails", "max_cost")

    def options(self) -> RunOptions:
        data = self.cleaned_data
        return RunOptions(
            kind=Run.Kind.APOLLO,
            limit=data["limit"],
            max_cost=data["max_cost"],
            type=data["type"],
            reveal_emails=data["reveal_emails"],
        )


def start_runs(
    model_admin: Any, request: HttpRequest, buckets: Sequence[Bucket], form_class: type[StartForm], title: str
) -> HttpResponse | None:
    """Asks and quotes until the person presses the button below the price of what they ask for; then starts.

    The button carries what was quoted: a changed field or price brings a new page, never a purchase. Pressed twice it
    starts one run. Each bucket's owner pays.
    """
    form = form_class(request.POST if "look" in request.POST or confirmed(request) else None)
    sent = form.is_valid()
    options = form.options() if sent else _defaults(form_class)
    try:
        quotes = [_quote(bucket, options) for bucket in buckets]
    except (RunError, ValueError) as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
        quotes = []
    seen = _mark(buckets, options, quotes)
    if sent and confirmed(request) and any(price.leads for price in quotes):
        if form.cleaned_data["quoted"] == seen:
            _start(model_admin, request, buckets, options, key=f"admin:{form.cleaned_data['once']}")
            return None
        model_admin.message_user(request, "Nothing is bought yet: this is the price of what you ask.", messages.WARNING)
    shown = form_class(_with(form.data, quoted=seen)) if form.is_bound else form_class(initial=_first(seen))
    lines = [line for bucket, price in zip(buckets, quotes, strict=False) for line in _lines(bucket, price)]
    button = f"Buy for at most ${sum((price.price for price in quotes), Decimal(0)):.2f}"
    return ask(model_admin, request, buckets, title=title, lines=lines, button=button, form=shown)


def _quote(bucket: Bucket, options: RunOptions) -> Quote:
    check_options(bucket=bucket, options=options)
    return quote(bucket=bucket, by=bucket.owner, options=options)


def _mark(buckets: Sequence[Bucket], options: RunOptions, quotes: Sequence[Quote]) -> str:
    """Names what was asked and what it costs."""
    parts = [options.fingerprint(bucket.pk) for bucket in buckets] + [str(price.price) for price in quotes]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _first(seen: str) -> dict[str, Any]:
    return {"quoted": seen, "once": uuid7()}


def _with(data: Any, **values: str) -> Any:
    changed = data.copy()
    for name, value in values.items():
        changed[name] = value
    return changed


def _defaults(form_class: type[StartForm]) -> RunOptions:
    initial = {name: field.initial for name, field in form_class.base_fields.items() if field.initial}
    form = form_class(initial | {"quoted": "-", "once": uuid7()})
    form.is_valid()
    return form.options()


def _lines(bucket: Bucket, price: Quote) -> list[str]:
    whose = f"{bucket} of {bucket.owner.get_username()}"
    lines = [f"{whose}: {price.leads:,} leads, {price.owned:,} of them owned, at most ${price.price:.2f}"]
    lines += [
        f"– {line.operation} ({line.vendor}): {line.owned:,} owned, {line.to_buy:,} to buy at ${line.price:.4f}: "
        f"${line.cost:.2f}"
        for line in price.lines
    ]
    return lines + [f"– Note: {limit}." for limit in price.limits]


def _start(model_admin: Any, request: HttpRequest, buckets: Sequence[Bucket], options: RunOptions, *, key: str) -> None:
    for bucket in buckets:
        try:
            run, _ = start_run(bucket=bucket, by=bucket.owner, options=options, idempotency_key=f"{key}:{bucket.pk}")
        except RunError as refusal:
            model_admin.message_user(request, f"{bucket}: {refusal}", messages.ERROR)
        else:
            model_admin.message_user(request, _started(run), messages.SUCCESS)


def _started(run: Run) -> Any:
    return link_to(run, f"{run.bucket_name}: {run.total:,} leads are being bought")
