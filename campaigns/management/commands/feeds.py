"""`manage.py feeds --user USERNAME`: the addresses where other calendars read a person's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from accounts.access import NotAllowed
from accounts.management.base import access_named, add_person
from campaigns.booking import feeds
from common.commands.base import ProductCommand
from common.dates import moment, use_zone_of
from leads.models import Event


class Command(ProductCommand):
    help = "Lists a user's calendar feeds, makes one (its address is printed this once) or revokes one."
    example = 'python manage.py feeds --user ann --make "My phone"\n  python manage.py feeds --user ann --revoke ID'
    refusals = (NotAllowed, feeds.TooManyFeeds)

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, required=True, help="Whose calendar")
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--make", metavar="NAME", help="A new feed of this name")
        act.add_argument("--revoke", metavar="ID", type=UUID, help="Its address answers nobody any more")
        parser.add_argument(
            "--kind", action="append", choices=Event.Kind.values, help="Which it shows, repeatable (all)"
        )
        parser.add_argument("--with-names", action="store_true", help="Names and streets leave with it; audited")

    def handle(self, *_: object, **options: Any) -> None:
        access = access_named(options)
        use_zone_of(access.user)
        if options["make"] is not None:
            if len(options["make"]) > 50:
                raise CommandError("--make: a name of 50 characters at most.")
            kinds = options["kind"] or feeds.KINDS
            feed, token = feeds.make(access=access, name=options["make"], kinds=kinds, with_names=options["with_names"])
            address = feeds.address_of(token)
            self.report(options, {"id": feed.pk, "address": address}, [f"{feed.pk}  {address}"])
        elif options["revoke"] is not None:
            if not feeds.revoke(access=access, feed_id=options["revoke"]):
                raise CommandError("There is no such feed of this user.")
            self.report(options, {"id": options["revoke"]}, ["Revoked."])
        else:
            rows = list(feeds.feeds_of(access))
            told = [{"id": one.pk, "name": one.name, "lastReadAt": one.last_read_at} for one in rows]
            lines = [f"{one.pk}  {one.name or '-'}  {_read(one.last_read_at)}" for one in rows]
            self.report(options, {"feeds": told}, lines)


def _read(at: Any) -> str:
    return f"last read {moment(at)}" if at else "never read"
