"""A lead's own page, and what its forms post: status, notes, contacts shown or typed, tags, who works it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin_extensions import Done, Extensible
from common.admin_teams import may, refuse
from leads.admin import assigning, merged_leads, shown
from leads.admin.addresses import link
from leads.admin.custom_card import form_of
from leads.admin.lead_sight import Forms, show_page, timeline_of
from leads.admin.suppress_form import SuppressForm, suppress_on_page
from leads.admin.typed_form import TypedForm, type_on_page
from leads.admin.walk import kept_query, next_of
from leads.admin.work_form import TagForm, WorkForm
from leads.models import Lead
from leads.selection.assignment import NotAMember
from leads.selection.disclosures import Via, record_unmasking
from leads.services import add_tag, finish_callback, remove_tag

__all__ = ["lead_page", "link"]

_NEEDED = {"show": Scope.CONTACTS, "hide": Scope.CONTACTS, "type": Scope.CONTACTS, "suppress": Scope.READ}


def lead_page(model_admin: Extensible, request: HttpRequest, lead: Lead) -> HttpResponse:
    """The page, and what its forms post: `do` says which."""
    if request.method != "POST":
        return show_page(model_admin, request, lead, Forms(lead), is_shown=_shows(request, lead))
    do = request.POST.get("do", "")
    needed = _NEEDED.get(do, Scope.WRITE)
    if not access(request).can_in(lead.team_id, needed) or (do == "type" and not may_type(request, lead)):
        raise refuse(needed)
    return _Page(model_admin, request, lead).act(do)


def may_type(request: HttpRequest, lead: Lead) -> bool:
    """Who changes leads and sees contacts; a caller only of her own, which are all she sees."""
    return all(access(request).can_in(lead.team_id, scope) for scope in (Scope.WRITE, Scope.CONTACTS))


def _shows(request: HttpRequest, lead: Lead) -> bool:
    """Whether contacts stand on the page that is asked for: shown a moment ago, or she walks through a list shown."""
    if shown.is_shown(request, lead):
        return True
    if not shown.is_walking(request, lead) or request.GET.get("from") is None:
        return False
    _record(request, lead)
    shown.keep_shown(request, lead)
    return True


def _record(request: HttpRequest, lead: Lead) -> None:
    notes = [one.text for one in timeline_of(request, lead)]
    record_unmasking(leads=[lead], by=user_of(request), via=Via.ADMIN, notes=notes)


class _Page:
    """One press on a lead's page. kept: the page's query with its place in the list, read before anything changes."""

    def __init__(self, model_admin: Extensible, request: HttpRequest, lead: Lead) -> None:
        self.model_admin, self.request, self.lead = model_admin, request, lead
        self.kept = kept_query(model_admin, request, lead)

    def act(self, do: str) -> HttpResponse:
        if added := self.model_admin.added_acts.get(do):
            done = added(self.model_admin, self.request, self.lead)
            return self._came_to(done) if isinstance(done, Done) else done
        acts: dict[str, Callable[[], HttpResponse]] = {
            "show": self._show, "hide": self._hide, "suppress": self._suppress, "work": self._work,
            "done": self._done, "tag": self._tag, "untag": self._untag, "assign": self._assign,
            "separate": self._separate, "type": self._type, "custom": self._custom,
        }  # fmt: skip
        return acts.get(do, self._page)()

    # --- The page again -----------------------------------------------------------------------------------------------

    def _page(self, forms: Forms | None = None, *, is_shown: bool | None = None, trouble: str = "") -> HttpResponse:
        if is_shown is None:
            is_shown = _shows(self.request, self.lead)
        forms = forms or Forms(self.lead)
        return show_page(self.model_admin, self.request, self.lead, forms, is_shown=is_shown, trouble=trouble)

    def _again(self, words: str, level: int = messages.SUCCESS) -> HttpResponse:
        if words:
            self.model_admin.message_user(self.request, words, level)
        if shown.is_shown(self.request, self.lead):
            shown.keep_shown(self.request, self.lead)
        return HttpResponseRedirect(f"{link(self.lead)}{f'?{self.kept}' if self.kept else ''}")

    def _onward(self, words: str) -> HttpResponse:
        """To the next lead of the list; at its end, or where there is none, the same page."""
        following = next_of(self.model_admin, self.request, self.lead)
        if not following:
            return self._again(words)
        self.model_admin.message_user(self.request, f"{self.lead}: {words}", messages.SUCCESS)
        return HttpResponseRedirect(following)

    def _came_to(self, done: Done) -> HttpResponse:
        if done.trouble:
            return self._page(trouble=done.trouble)
        return self._onward(done.words) if done.goes_on and self.kept else self._again(done.words)

    # --- Acts ---------------------------------------------------------------------------------------------------------

    def _show(self) -> HttpResponse:
        _record(self.request, self.lead)
        shown.keep_shown(self.request, self.lead, walking=bool(self.request.POST.get("walking")) or None)
        return self._page(is_shown=True)

    def _hide(self) -> HttpResponse:
        shown.hide(self.request)
        return self._again("")

    def _suppress(self) -> HttpResponse:
        form = SuppressForm(self.lead, self.request.POST)
        done = suppress_on_page(self.model_admin, self.request, self.lead, form)
        return self._again("") if done else self._page(Forms(self.lead, suppress=form))

    def _work(self) -> HttpResponse:
        form = WorkForm(self.request.POST, lead=self.lead)
        if not form.is_done(self.lead, user_of(self.request)):
            return self._page(Forms(self.lead, work=form))
        return self._onward("Activity saved.") if self.request.POST.get("then") else self._again("Activity saved.")

    def _done(self) -> HttpResponse:
        lead = self.lead
        is_shown = lead.callback_at is not None and self.request.POST.get("due") == lead.callback_at.isoformat()
        if is_shown and finish_callback(lead=lead, by=user_of(self.request)):
            return self._again("Callback done.")
        return self._again("This callback was already done or moved.")

    def _tag(self) -> HttpResponse:
        form = TagForm(self.request.POST, auto_id="tag_%s")
        if not form.is_valid():
            return self._page(Forms(self.lead, tag=form))
        add_tag(leads=[self.lead], name=form.cleaned_data["tag"])
        return self._again(f"Tagged: {form.cleaned_data['tag']}")

    def _untag(self) -> HttpResponse:
        name = self.request.POST.get("tag", "").replace("\x00", "")[:50]
        remove_tag(leads=[self.lead], name=name)
        return self._again(f"Tag removed: {name}")

    def _type(self) -> HttpResponse:
        form = TypedForm(self.lead, self.request.POST)
        if not type_on_page(self.request, self.lead, form):
            return self._page(Forms(self.lead, typed=form))
        return self._again("Saved. What was there before is kept below it.")

    def _custom(self) -> HttpResponse:
        form = form_of(self.lead, self.request.POST)
        if not form.save(user_of(self.request)):
            return self._page(Forms(self.lead, custom=form))
        return self._again("Custom fields saved.")

    def _assign(self) -> HttpResponse:
        if not may(self.request, Scope.WRITE):
            raise refuse(Scope.WRITE)
        try:
            return self._again(assigning.assign_one(self.request, self.lead))
        except NotAMember as refusal:
            return self._again(str(refusal), messages.ERROR)

    def _separate(self) -> Any:
        if not may(self.request, Scope.WRITE):
            raise refuse(Scope.WRITE)
        return merged_leads.separate_on_page(self.model_admin, self.request, self.lead) or redirect(link(self.lead))
