"""`manage.py custom_fields --user USERNAME`: what else a team keeps of its leads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand
from leads.fields.definitions import fields_of, make_field, restore_field, retire_field
from leads.models import CustomField
from leads.pipeline.lists import Refused


class Command(ProductCommand):
    help = "Lists a team's custom fields, makes one, retires one or offers it again."
    example = (
        'python manage.py custom_fields --user ann --make "Asking price" --kind number\n'
        '  python manage.py custom_fields --user ann --make "Heat" --kind choice --choice Hot --choice Cold'
    )
    refusals = (Refused,)

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, required=True, help="Whose team; a manager where something is changed")
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--make", metavar="NAME", help="A new field of this name")
        act.add_argument("--retire", metavar="ID", type=UUID, help="It is offered no more; what leads hold of it stays")
        act.add_argument("--restore", metavar="ID", type=UUID, help="It is offered again")
        parser.add_argument("--kind", choices=CustomField.Kind.values, help="Of a new field: what it holds")
        parser.add_argument("--key", help="Of a new field: its name in filters and the API; made of the name")
        parser.add_argument("--choice", action="append", default=[], help="Of a choice: what may be chosen, repeatable")

    def handle(self, *_: object, **options: Any) -> None:
        access = access_named(options)
        if options["make"] is not None:
            said = {"name": options["make"], "kind": options["kind"], "key": options["key"]}
            rows = [make_field(access, {**said, "choices": options["choice"]})]
        elif options["retire"]:
            rows = [retire_field(access, options["retire"])]
        elif options["restore"]:
            rows = [restore_field(access, options["restore"])]
        else:
            rows = fields_of(access.team_id, retired=True)
        lines = [_line(one) for one in rows] or ["This team has no custom fields."]
        self.report(options, {"fields": [_facts(one) for one in rows]}, lines)


def _line(one: CustomField) -> str:
    choices = f" ({', '.join(one.choices)})" if one.choices else ""
    return f"{one.pk}  custom.{one.key}  {one.name}: {one.kind}{choices}{' (retired)' if one.retired_at else ''}"


def _facts(one: CustomField) -> dict[str, Any]:
    return {
        "id": one.pk, "key": one.key, "name": one.name, "kind": one.kind, "choices": one.choices,
        "position": one.position, "retiredAt": one.retired_at,
    }  # fmt: skip
