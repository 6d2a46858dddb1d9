"""The page before money is spent: what to ask for, what it costs at most, and a button that means exactly that."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse

from buckets.models import Bucket
from config.common.admin import confirmed, dressed, link_to, page
from config.common.ids import uuid7
from enrichment.admin.forms import StartForm
from enrichment.models import Run
from enrichment.quotes import Quote, finishes_in_words, quote
from enrichment.reach import reachable_in_words
from enrichment.services import RunError, RunOptions, check_options, start_run
from integrations.purses import ZERO


def start_runs(
    model_admin: Any, request: HttpRequest, buckets: Sequence[Bucket], form_class: type[StartForm], title: str
) -> HttpResponse | None:
    """Asks and quotes until the person presses the button below the price of what they ask for; then starts.

    The button carries what was quoted: a changed field or price brings a new page, never a purchase. Pressed twice it
    starts one run. Each bucket's owner pays.
    """
    asked = "look" in request.POST or confirmed(request)
    form = form_class(request.POST if asked else None)
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
    return page(
        model_admin,
        request,
        "admin/quote.html",
        title,
        form=dressed(shown),
        plain=[field for field in shown.visible_fields() if not any(field.name in names for *_, names in shown.groups)],
        groups=[_group(shown, *group) for group in shown.groups],
        quotes=[_told(bucket, price) for bucket, price in zip(buckets, quotes, strict=False)],
        price=sum((price.at_most for price in quotes), ZERO),
        leads=sum(price.leads for price in quotes),
        rows=buckets,
        action=request.POST.get("action", ""),
        checkbox=ACTION_CHECKBOX_NAME,
    )


def _group(form: StartForm, title: str, hint: str, names: Sequence[str]) -> dict[str, Any]:
    """Fields that are folded away until one of them is used."""
    fields = [form[name] for name in names]
    used = [field for field in fields if field.errors or str(field.value() or "") not in ("", str(field.initial))]
    return {"title": title, "hint": hint, "fields": fields, "used": len(used)}


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


def _told(bucket: Bucket, price: Quote) -> dict[str, Any]:
    reachable = price.reachable and reachable_in_words(price.reachable)
    return {"bucket": bucket, "price": price, "reachable": reachable, "finishes": finishes_in_words(price)}


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
