"""One's own name, e-mail and time zone, for everybody who is signed in; and the browser's zone at first sign-in."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.fresh import confirm_first, is_fresh
from accounts.profile.services import ask_for_proof, change_profile, take_browser_zone
from accounts.profile.zones import zone_choices, zone_in_words
from accounts.selectors import user_of
from accounts.sign_in import proving
from common.admin import ShownBeside, dressed


class ProfileForm(ShownBeside, forms.Form):
    """Of oneself. Limits are a superuser's to set, who may change the others meanwhile."""

    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(max_length=254, required=False, label="E-mail")
    time_zone = forms.ChoiceField(
        choices=zone_choices,
        help_text="Times are shown and read by this clock. A schedule keeps the zone it was given.",
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    person = user_of(request)
    first = {name: getattr(person, name) for name in ProfileForm.base_fields}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=first)
    if form.is_valid():
        changes = {"time_zone": person.time_zone, **form.changes()}  # saved, the zone that stands there is hers
        is_moved = changes.get("email", person.email) != person.email
        if is_moved and not is_fresh(request):  # a forgotten password is sent there
            return confirm_first(request, back=request.path)
        person = change_profile(user=person, changes=changes)
        messages.success(request, "Profile saved.")
        if is_moved and (said := ask_for_proof(request=request, user=person)):
            messages.info(request, said)
        return redirect("profile")
    context = {**admin.site.each_context(request), "title": "Profile", "form": dressed(form), "now": timezone.now()}
    unproved = person.email and not proving.is_proved(person)
    return TemplateResponse(request, "admin/profile.html", {**context, "unproved": unproved})


@login_required
@require_POST
def send_proof(request: HttpRequest) -> HttpResponse:
    """Mails the link that confirms her e-mail once more."""
    if said := ask_for_proof(request=request, user=user_of(request)):
        messages.info(request, said)
    return redirect("profile")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD"])
def confirm_email(request: HttpRequest, link: str) -> HttpResponse:
    """Where the mailed link leads. Pressed twice, it says the same."""
    try:
        proving.prove(user=user_of(request), link=link)
    except proving.LinkOver as over:
        messages.error(request, str(over))
    else:
        messages.success(request, "Your e-mail is confirmed.")
    return redirect("profile")


@login_required
@require_POST
def browser_zone(request: HttpRequest) -> HttpResponse:
    """Posted once by the desk's script. Says whether the page it is on now shows other times."""
    person = user_of(request)
    name = request.POST.get("zone", "")
    try:
        taken = take_browser_zone(user=person, time_zone=name)
    except ValidationError:  # a zone this host does not know: times stay in UTC until the person chooses
        return JsonResponse({"changed": False}, status=400)
    if taken and name != "UTC":
        words = 'Times are shown in {}. <a class="desk-inline" href="{}">Change</a>'
        messages.info(request, format_html(words, zone_in_words(name), reverse("profile")))
    return JsonResponse({"changed": taken and name != "UTC"})
