"""For which team the pages are: chosen in the header by who is in several."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_POST

from accounts.access import NoSuchTeam, access_of
from accounts.middleware import TEAM
from accounts.selectors import user_of

KEPT = ("_changelist", "_find", "profile", "index")  # pages that there are in every team


@login_required
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Keeps to the page where it is one of every team's; else goes Home. A team she is not in is not there."""
    given = request.POST.get("team", "")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Http404("There is no such team.")
    try:
        access = access_of(user_of(request), int(given))
    except NoSuchTeam:
        raise Http404("There is no such team.") from None
    request.session[TEAM] = access.team_id
    messages.success(request, f"You now work in {access.team}.")
    return HttpResponseRedirect(_page(request.POST.get("next", "")))


def _page(path: str) -> str:
    """A path of ours, without what stands behind it: ids and filters are of the other team."""
    home = reverse("admin:index")
    try:
        name = resolve(path).url_name or ""
    except Resolver404:
        return home
    return path if path.startswith(home) and name.endswith(KEPT) else home
