"""`manage.py vendors`: who sells, who does not and why; the operator's switch, and a free test of the key."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.core.management.base import CommandError, CommandParser

from config.common.commands import ProductCommand, add_user, user_named
from integrations import catalogue, vendors
from integrations.models import Vendor
from integrations.pace import database_now


class Command(ProductCommand):
    help = "Lists the vendors with state, spending and errors; pauses, resumes or tests one."
    example = (
        "python manage.py vendors\n"
        '  python manage.py vendors pause apollo --reason "no credit until Monday" --user ann\n'
        "  python manage.py vendors resume apollo --user ann\n"
        "  python manage.py vendors test realestateapi    # free; exit status 1 where the key is not taken"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", nargs="?", choices=("list", "pause", "resume", "test"), default="list")
        parser.add_argument("name", nargs="?", metavar="NAME", help="realestateapi, signalhouse, apollo")
        parser.add_argument("--reason", default="", metavar="WORDS", help="Why it is paused")
        add_user(parser, required=False, help="Who pauses or resumes: a superuser; the vendor's history names them")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "list":
            self._list(options)
            return
        vendor = _vendor(options["name"])
        if options["act"] == "test":
            answer = vendors.test_connection(vendor)
            if answer.ok is False:
                raise CommandError(f"{vendor}: {answer.words}")
            self.report(options, {"name": vendor.pk, "ok": answer.ok, "words": answer.words}, [answer.words])
            return
        by = _operator(options["user"])
        if options["act"] == "pause":
            vendors.pause_vendor(vendor=vendor, by=by, reason=options["reason"])
            words = f"Paused: {options['reason']}"
        else:
            vendors.resume_vendor(vendor=vendor)
            words = "Resumed"
        LogEntry.objects.log_actions(by.pk, [vendor], CHANGE, words, single_object=True)
        vendor.refresh_from_db()
        self.report(options, _facts(vendor), [f"{vendor}: {words}."])

    def _list(self, options: dict[str, Any]) -> None:
        rows = [_facts(catalogue.vendor(name)) for name in sorted(vendors.names())]
        lines = [
            f"{row['name']}  {row['trouble'] or 'open'}  ${row['spentToday']:.2f} of ${row['dailyCap']:.2f} today"
            for row in rows
        ]
        self.report(options, {"vendors": rows}, lines)


def _vendor(name: str | None) -> Vendor:
    if name not in vendors.names():
        raise CommandError(f"Which vendor? One of {', '.join(sorted(vendors.names()))}.")
    return catalogue.vendor(name)


def _operator(username: str | None) -> Any:
    if username is None:
        raise CommandError("Say who: --user USERNAME. The vendor's history names them.")
    user = user_named(username)
    if not user.has_perm("integrations.change_vendor"):
        raise CommandError(f"{username} may not change vendors: this needs an administrator.")
    return user


def _facts(vendor: Vendor) -> dict[str, Any]:
    now = database_now()
    spent, reserved = vendors.spent_today(vendor, now)
    return {
        "name": vendor.pk,
        "enabled": vendor.enabled,
        "trouble": vendors.trouble(vendor, now),
        "spentToday": spent,
        "reserved": reserved,
        "dailyCap": vendor.cap,
        "lastError": vendor.last_error,
        "lastErrorAt": vendor.last_error_at,
        "operations": [
            {
                "name": pace.operation.name,
                "requestsThisMinute": pace.sent,
                "pace": pace.pace,
                "price": pace.operation.setting("price"),
            }
            for pace in vendors.paces(vendor, now)
        ],
    }
