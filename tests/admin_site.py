"""The admin as a person uses it: sign in, choose rows, press an action's button, read what it says."""

from __future__ import annotations

from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

from django.contrib import admin
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User


def staff(name: str = "ann", **more: Any) -> tuple[User, Client]:
    """The manager of a team of one, signed in: without any of Django's permissions, and contacts masked."""
    user = User.objects.create_user(name, is_staff=True, **more)
    user.memberships.update(is_masked=True)
    return user, signed_in(user)


def sees_contacts(user: User) -> User:
    """Lets her see phones and e-mails; the answer is the person as the database knows them now."""
    user.memberships.update(is_masked=False)
    return User.objects.get(pk=user.pk)


def member(team: Team, role: str, name: str = "", **more: Any) -> tuple[User, Client]:
    """Somebody of this role in the team alone, signed in."""
    user = User(username=name or role, is_staff=True, **more)
    user.save()
    Membership.objects.create(team=team, user=user, role=role)
    return user, signed_in(user)


def superuser(name: str = "boss") -> tuple[User, Client]:
    user = User.objects.create_superuser(name)
    return user, signed_in(user)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(model: Any, page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def act(client: Client, model: Any, action: str, rows: Iterable[Any], *, follow: bool = False, **data: Any) -> Any:
    """Chooses rows of a list and an action. `confirmed="yes"` is the button of the page in between.

    follow: to the page with an address of its own that the action leads to.
    """
    chosen = [str(row.pk) for row in rows]
    client.cookies.pop("messages", None)  # what was said before
    sent = {"action": action, "_selected_action": chosen, **data}
    answer = client.post(address(model, "changelist"), sent, follow=follow)
    if answer.status_code == 302 and "ask=" in answer["Location"]:  # the question has an address of its own
        return client.get(answer["Location"])
    return answer


def words(response: Any) -> list[str]:
    """What the admin says to the person."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def actions_of(model: type[Model]) -> list[str]:
    """A list's own actions: Django's deleting is not one of them."""
    of_model: Any = admin.site._registry[model]
    return [name for _, name, _ in of_model._get_base_actions() if name != "delete_selected"]


def hidden(response: Any) -> dict[str, Any]:
    """The fields of the page in between, as its button would send them."""
    form = response.context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: "on" if value is True else str(value) for name, value in values.items() if value not in (None, False)}


class _Boxes(HTMLParser):
    """What a browser would post of the form with most boxes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = [{}]
        self.chosen = self.area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name, kind = said.get("name", ""), said.get("type", "text")
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and name and kind != "submit" and (kind not in ("checkbox", "radio") or "checked" in said):
            self.forms[-1][name] = said.get("value", "on" if kind == "checkbox" else "")
        elif tag == "select":
            self.chosen = name
            self.forms[-1] |= {} if "multiple" in said else {name: ""}
        elif tag == "option" and "selected" in said:
            self.forms[-1][self.chosen] = said["value"]
        elif tag == "textarea":
            self.area = name
            self.forms[-1][name] = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.forms[-1][self.area] += data

    def handle_endtag(self, tag: str) -> None:
        self.area = "" if tag == "textarea" else self.area


def boxes(page: Any) -> dict[str, str]:
    """What a page's form posts as it came."""
    assert page.status_code == 200
    return max(_Boxes(page.content.decode()).forms, key=len)
