"""A bucket's own page: what moves on it, its map, and the pages behind its buttons. The price comes first."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from accounts.access import Scope, access
from accounts.selectors import user_of
from buckets.filling.algebra import SetError
from buckets.filling.fills import duplicate
from buckets.models import Bucket
from common.admin import is_id, sees_all
from common.admin_teams import demand, may
from common.contact_access import told_data
from common.db.ids import uuid7
from enrichment.admin.combine_page import made_in_words
from enrichment.admin.forms import ApolloForm, EnrichForm, RetryForm, StartForm
from enrichment.admin.run_page import RunDesk
from enrichment.admin.starting import start_runs
from enrichment.models import Run
from enrichment.reporting import bucket_overview
from leads.admin.base import may_export


def urls(model_admin: admin.ModelAdmin[Bucket]) -> list[URLPattern]:
    """What stands behind a bucket's page. `model_admin` is the bucket's."""
    desk = BucketDesk(model_admin)

    def view(route: str, name: str, of: Callable[..., HttpResponse], scope: Scope = Scope.BUY) -> URLPattern:
        def permitted(request: HttpRequest, **ids: Any) -> HttpResponse:
            if scope != Scope.READ:
                demand(request, scope)
            return of(request, **ids)

        inside: Any = model_admin.admin_site.admin_view(permitted)
        found: URLPattern = path(f"<uuid:bucket_id>/{route}/", inside, name=f"buckets_bucket_{name}")
        return found

    def several(request: HttpRequest, kind: str) -> HttpResponse:
        demand(request, Scope.BUY)
        return desk.several(request, kind)

    return [
        path("quote/<slug:kind>/", model_admin.admin_site.admin_view(several), name="buckets_bucket_quote"),
        view("live", "live", desk.live, Scope.READ),
        view("pins", "pins", desk.pins, Scope.READ),
        view("enrich", "enrich", desk.enrich),
        view("apollo", "apollo", desk.apollo),
        view("retry", "retry", desk.retry),
        view("duplicate", "duplicate", require_POST(desk.duplicate), Scope.WRITE),
        view("runs/<uuid:run_id>/pause", "run_pause", require_POST(desk.pause)),
        view("runs/<uuid:run_id>/resume", "run_resume", desk.resume),
        view("runs/<uuid:run_id>/cancel", "run_cancel", desk.cancel),
    ]


def context(request: HttpRequest, bucket: Bucket) -> dict[str, Any]:
    """What the page shows beside the form of the bucket's name."""
    signals, known = bucket_overview.signals(bucket)
    return {
        "bucket": bucket,
        "live": bucket_overview.live(bucket),
        "combine": f"{reverse('admin:buckets_bucket_combine')}?all_of={bucket.pk}",
        "press": uuid7(),
        "schedule": f"{reverse('admin:enrichment_schedule_add')}?bucket={bucket.pk}",
        "filters_text": json.dumps(told_data(bucket.filters), indent=2, ensure_ascii=False),
        "signals": signals,
        "known": known,
        "known_most": bucket_overview.SIGNALS_FROM,
        "signals_then": bucket_overview.signals_then(bucket),
        "tiles": settings.MAP_TILES_URL,
        "tiles_credit": settings.MAP_TILES_CREDIT,
        "may_export": may_export(request) and may(request, Scope.EXPORT, bucket.team_id),
        "shows_work": _shows_work(request, bucket),
    }


def _shows_work(request: HttpRequest, bucket: Bucket) -> bool:
    """Its money and its jobs: not to who looks into a bucket that another team shares."""
    return bucket.team_id == access(request).team_id or sees_all(request)


SEVERAL = 100  # buckets in one quote
QUOTES: dict[str, tuple[type[StartForm], str]] = {
    "enrich": (EnrichForm, "Quote and enrich"),
    "apollo": (ApolloForm, "Business data from Apollo"),
    "retry": (RetryForm, "Retry failed leads"),
}


def quote_address(form: type[StartForm], bucket_ids: Sequence[UUID]) -> str:
    """The page of the price of this form over these buckets."""
    kind = next(name for name, (one, _) in QUOTES.items() if one is form)
    if len(bucket_ids) == 1:
        return reverse(f"admin:buckets_bucket_{kind}", args=bucket_ids)
    query = urlencode({"bucket": [str(one) for one in bucket_ids]}, doseq=True)
    return f"{reverse('admin:buckets_bucket_quote', args=[kind])}?{query}"


class BucketDesk:
    """The views. Another team's bucket is not there, and one that it shares can only be looked at."""

    def __init__(self, model_admin: admin.ModelAdmin[Bucket]) -> None:
        self.model_admin = model_admin
        self.runs = RunDesk(model_admin)

    def _bucket(self, request: HttpRequest, bucket_id: UUID) -> Bucket:
        bucket = self.model_admin.get_queryset(request).select_related("owner").filter(pk=bucket_id).first()
        if bucket is None:
            raise Http404("There is no such bucket.")
        return bucket

    def _own(self, request: HttpRequest, bucket_id: UUID) -> Bucket:
        bucket = self._bucket(request, bucket_id)
        demand(request, Scope.WRITE, bucket.team_id)
        return bucket

    def _run(self, request: HttpRequest, bucket_id: UUID, run_id: UUID) -> Run:
        run = Run.objects.filter(bucket=self._own(request, bucket_id), pk=run_id).first()
        if run is None:
            raise Http404("There is no such enrichment job.")
        return run

    # --- What moves -----------------------------------------------------------------------------------------------

    def live(self, request: HttpRequest, bucket_id: UUID) -> HttpResponse:
        """The piece of the page that asks again every three seconds while something moves."""
        bucket = self._bucket(request, bucket_id)
        shown = {
            "bucket": bucket,
            "live": bucket_overview.live(bucket),
            "shows_work": _shows_work(request, bucket),
            "may_work": may(request, Scope.WRITE, bucket.team_id),
            "may_buy": may(request, Scope.BUY, bucket.team_id),
        }
        return TemplateResponse(request, "admin/buckets/bucket/live.html", shown)

    def pins(self, request: HttpRequest, bucket_id: UUID) -> HttpResponse:
        rows = bucket_overview.pins(self._bucket(request, bucket_id).pk)
        pins = [
            {"at": row["at"], "words": row["words"], "link": reverse("admin:leads_lead_change", args=[row["id"]])}
            for row in rows
        ]
        return JsonResponse({"pins": pins}, headers={"Cache-Control": "no-store"})

    # --- Buying ---------------------------------------------------------------------------------------------------

    def enrich(self, request: HttpRequest, bucket_id: UUID) -> HttpResponse:
        return self._start(request, bucket_id, EnrichForm, "Quote and enrich")

    def apollo(self, request: HttpRequest, bucket_id: UUID) -> HttpResponse:
        return self._start(request, bucket_id, ApolloForm, "Business data from Apollo")

    def retry(self, request: HttpRequest, bucket_id: UUID) -> HttpResponse:
        return self._start(request, bucket_id, RetryForm, "Retry failed leads")

    def _start(self, request: HttpRequest, bucket_id: UUID, form: type[StartForm], title: str) -> HttpResponse:
        bucket = self._own(request, bucket_id)
        here = quote_address(form, [bucket_id])
        return start_runs(self.model_admin, request, [bucket], form, title, here, verb=_verb(form)) or _back(bucket_id)

    def several(self, request: HttpRequest, kind: str) -> HttpResponse:
        """The same for several buckets, which the address names."""
        ids = [one for one in request.GET.getlist("bucket") if is_id(one)]
        own = Bucket.objects.worked_by(access(request)).select_related("owner")
        buckets = list(own.filter(pk__in=ids).order_by("-pk")[:SEVERAL])
        if kind not in QUOTES or not buckets:
            raise Http404("There are no such buckets.")
        form, title = QUOTES[kind]
        here = quote_address(form, [bucket.pk for bucket in buckets])
        started = start_runs(self.model_admin, request, buckets, form, title, here, verb=_verb(form))
        return started or redirect("admin:buckets_bucket_changelist")

    # --- Runs -----------------------------------------------------------------------------------------------------

    def pause(self, request: HttpRequest, bucket_id: UUID, run_id: UUID) -> HttpResponse:
        return self.runs.paused(request, self._run(request, bucket_id, run_id), _address(bucket_id))

    def resume(self, request: HttpRequest, bucket_id: UUID, run_id: UUID) -> HttpResponse:
        run = self._run(request, bucket_id, run_id)
        here = reverse("admin:buckets_bucket_run_resume", args=[bucket_id, run_id])
        return self.runs.resumed(request, run, _address(bucket_id), here)

    def cancel(self, request: HttpRequest, bucket_id: UUID, run_id: UUID) -> HttpResponse:
        return self.runs.cancelled(request, self._run(request, bucket_id, run_id), _address(bucket_id))

    # --- Copying --------------------------------------------------------------------------------------------------

    def duplicate(self, request: HttpRequest, bucket_id: UUID) -> HttpResponse:
        """Another bucket; the same one where the button was pressed twice."""
        bucket, press = self._own(request, bucket_id), request.POST.get("press", "")
        try:
            fill = duplicate(bucket=bucket, by=user_of(request), press=UUID(press) if is_id(press) else None)
        except SetError as refusal:
            self.model_admin.message_user(request, str(refusal), messages.ERROR)
            return _back(bucket_id)
        self.model_admin.message_user(request, made_in_words(fill), messages.SUCCESS)
        return _back(fill.bucket_id)


def _verb(form: type[StartForm]) -> str:
    return "Retry" if form is RetryForm else "Enrich"


def _address(bucket_id: UUID) -> str:
    return reverse("admin:buckets_bucket_change", args=[bucket_id])


def _back(bucket_id: UUID) -> HttpResponse:
    return redirect("admin:buckets_bucket_change", bucket_id)
