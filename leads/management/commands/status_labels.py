"""`manage.py status_labels --user USERNAME`: a team's own words under the five statuses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand
from leads.models import Lead, StatusLabel
from leads.pipeline.labels import labels_of, make_label, restore_label, retire_label
from leads.pipeline.lists import Refused


class Command(ProductCommand):
    help = "Lists a team's status labels, makes one, retires one or offers it again."
    example = (
        'python manage.py status_labels --user ann --make "Warm" --status contacted\n'
        "  python manage.py status_labels --user ann --retire ID"
    )
    refusals = (Refused,)

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, required=True, help="Whose team; a manager where something is changed")
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--make", metavar="NAME", help="A new label of this name")
        act.add_argument("--retire", metavar="ID", type=UUID, help="It is offered no more; leads that have it keep it")
        act.add_argument("--restore", metavar="ID", type=UUID, help="It is offered again")
        parser.add_argument("--status", choices=Lead.Status.values, help="Of a new label: under which status")
        parser.add_argument("--color", metavar="#RRGGBB", help="Of a new label")

    def handle(self, *_: object, **options: Any) -> None:
        access = access_named(options)
        if options["make"] is not None:
            values = {"name": options["make"], "status": options["status"], "color": options["color"]}
            rows = [make_label(access, values)]
        elif options["retire"]:
            rows = [retire_label(access, options["retire"])]
        elif options["restore"]:
            rows = [restore_label(access, options["restore"])]
        else:
            rows = labels_of(access.team_id, retired=True)
        lines = [_line(one) for one in rows] or ["This team has no status labels."]
        self.report(options, {"labels": [_facts(one) for one in rows]}, lines)


def _line(one: StatusLabel) -> str:
    return f"{one.pk}  {one.status}: {one.name}{' (retired)' if one.retired_at else ''}"


def _facts(one: StatusLabel) -> dict[str, Any]:
    return {
        "id": one.pk, "name": one.name, "status": one.status, "color": one.color, "position": one.position,
        "retiredAt": one.retired_at,
    }  # fmt: skip
