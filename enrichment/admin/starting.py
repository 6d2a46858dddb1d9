"""The page before money is spent: what to ask for, what it costs at most, and a button that means exactly that."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from accounts.models import User
from accounts.selectors import user_of
from buckets.models import Bucket
from common.admin import confirmed, dressed, link_to, page
from common.contact_access import told
from common.db.ids import uuid7
from enrichment.admin.forms import StartForm
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting.quotes import Quote, finishes_in_words, limits_in_words, quote
from enrichment.quoting.reach_estimate import reachable_in_words
from enrichment.services import RunError, check_options, start_run
from integrations.ledger.budgets import ZERO


def start_runs(
    model_admin: admin.ModelAdmin[Bucket],
    request: HttpRequest,
    buckets: Sequence[Bucket],
    form_class: type[StartForm],
    title: str,
    here: str,
    *,
    back: str = "",
    verb: str = "Enrich",
) -> HttpResponse | None:
    """The page at `here`: a GET quotes what its address asks for; a POST with `confirmed` starts it and returns None.

    The button carries what was quoted: a changed field or price leads to the page with the new price, never to a
    purchase. Pressed twice it starts one run. Who presses it pays. `part` in the address: only the price, for the
    page that asks while a person types. back: where its Back leads; empty: to the bucket or buckets. verb: of the
    button, "Enrich 500 leads for up to $50.00".
    """
    shown = {"back": back, "verb": verb}
    if request.method == "POST":
        form = form_class(request.POST)
        if confirmed(request) and not form.is_valid():
            return _page(model_admin, request, buckets, form, [], title, here, shown)
        if confirmed(request):
            wanted = form.options()
            quotes = _quotes(model_admin, request, buckets, form, wanted)
            if any(price.leads for price in quotes) and form.cleaned_data["quoted"] == _mark(buckets, wanted, quotes):
                _start(model_admin, request, buckets, wanted, key=f"admin:{form.cleaned_data['once']}")
                return None
            if quotes:
                words = "Nothing is bought yet: this is the quote for what you chose."
                model_admin.message_user(request, words, messages.WARNING)
        return HttpResponseRedirect(_asked(request.POST, form_class, here))
    data = _with(request.GET, quoted="-", once=str(uuid7()))
    sent = form_class(data) if "look" in request.GET else None
    options = _defaults(form_class) if sent is None else sent.options() if sent.is_valid() else None
    quotes = _quotes(model_admin, request, buckets, sent, options) if options is not None else []
    seen = _mark(buckets, options, quotes) if options is not None else "-"
    form = form_class(initial=_first(seen))
    if sent is not None:
        form, form.data = sent, _with(data, quoted=seen)
    return _page(model_admin, request, buckets, form, quotes, title, here, shown)


def _page(
    model_admin: admin.ModelAdmin[Bucket],
    request: HttpRequest,
    buckets: Sequence[Bucket],
    form: StartForm,
    quotes: Sequence[Quote],
    title: str,
    here: str,
    shown: dict[str, str],
) -> HttpResponse:
    return page(
        model_admin,
        request,
        "admin/quote_price.html" if "part" in request.GET else "admin/quote.html",
        title,
        form=dressed(form),
        plain=[field for field in form.visible_fields() if not any(field.name in names for *_, names in form.groups)],
        groups=[_group(form, *group) for group in form.groups],
        quotes=[_told(bucket, price) for bucket, price in zip(buckets, quotes, strict=False)],
        price=sum((price.at_most for price in quotes), ZERO),
        leads=sum(price.leads for price in quotes),
        rows=buckets,
        here=here,
        **shown,
    )


def _quotes(
    model_admin: admin.ModelAdmin[Bucket],
    request: HttpRequest,
    buckets: Sequence[Bucket],
    form: StartForm | None,
    options: RunOptions,
) -> Sequence[Quote]:
    """A quote for each bucket; none, with words to the person, where a service refuses one."""
    try:
        return [_quote(bucket, user_of(request), options) for bucket in buckets]
    except (RunError, ValueError) as refusal:
        if form is not None and "part" in request.GET:  # a message would wait for the next page
            form.add_error(None, str(refusal))
            return []
        model_admin.message_user(request, str(refusal), messages.ERROR)
        return []


def _asked(data: QueryDict, form_class: type[StartForm], here: str) -> str:
    """The page's address with what was asked for, without what only its own form carries."""
    names = [name for name in form_class.base_fields if name not in ("quoted", "once") and data.get(name)]
    query = urlencode({"look": "1", **{name: data[name] for name in names}})
    return f"{here}{'&' if '?' in here else '?'}{query}"


def _group(form: StartForm, title: str, hint: str, names: Sequence[str]) -> dict[str, Any]:
    """Fields that are folded away until one of them is used."""
    fields = [form[name] for name in names]
    used = [field for field in fields if field.errors or str(field.value() or "") not in ("", str(field.initial))]
    return {"title": title, "hint": hint, "fields": fields, "used": len(used)}


def _quote(bucket: Bucket, by: User, options: RunOptions) -> Quote:
    check_options(bucket=bucket, options=options)
    return quote(bucket=bucket, by=by, options=options)


def _mark(buckets: Sequence[Bucket], options: RunOptions, quotes: Sequence[Quote]) -> str:
    """Names what was asked and what it costs."""
    parts = [options.fingerprint(bucket.pk) for bucket in buckets] + [str(price.price) for price in quotes]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _first(seen: str) -> dict[str, Any]:
    return {"quoted": seen, "once": uuid7()}


def _with(data: QueryDict, **values: str) -> QueryDict:
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
    finishes, limits = finishes_in_words(price), limits_in_words(price)
    return {"bucket": bucket, "price": price, "reachable": reachable, "finishes": finishes, "limits": limits}


def _start(
    model_admin: admin.ModelAdmin[Bucket],
    request: HttpRequest,
    buckets: Sequence[Bucket],
    options: RunOptions,
    *,
    key: str,
) -> None:
    for bucket in buckets:
        try:
            run, _ = start_run(
                bucket=bucket, by=user_of(request), options=options, idempotency_key=f"{key}:{bucket.pk}"
            )
        except RunError as refusal:
            model_admin.message_user(request, f"{bucket}: {refusal}", messages.ERROR)
        else:
            model_admin.message_user(request, _started(run), messages.SUCCESS)


def _started(run: Run) -> Any:
    return link_to(run, f"{told(run.bucket_name)}: {run.total:,} leads are being enriched")
