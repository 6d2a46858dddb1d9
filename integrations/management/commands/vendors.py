"""`manage.py vendors`: which are available, which are not and why; the operator's switch, prices, policy and bills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from common.commands.base import ProductCommand, add_user, dollars, user_named
from common.db.clock import database_now
from integrations.ledger import catalogue
from integrations.models import Vendor
from integrations.operating import bills, books, vendors

ACTS = ("list", "pause", "resume", "test", "confirm-prices", "set-price", "policy", "bill")
WEEK = timedelta(days=7)


class Command(ProductCommand):
    help = (
        "Lists the vendors with state, spending and errors; pauses, resumes or tests one; says that its price list is "
        "right, sets a price, says what its server errors mean, or takes its bill."
    )
    example = (
        "python manage.py vendors\n"
        '  python manage.py vendors pause apollo --reason "no credit until Monday" --user ann\n'
        "  python manage.py vendors resume apollo --user ann\n"
        "  python manage.py vendors test realestateapi    # free; exit status 1 where the key is not taken\n"
        "  python manage.py vendors confirm-prices realestateapi --user ann    # after a billing check\n"
        "  python manage.py vendors set-price realestateapi property_detail 0.10 --user ann\n"
        "  python manage.py vendors policy realestateapi not_billed --user ann    # or billed, or doubt\n"
        "  python manage.py vendors bill realestateapi november.csv --user ann    # columns: date, units, amount"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", nargs="?", choices=ACTS, default="list")
        parser.add_argument("name", nargs="?", metavar="NAME", help="realestateapi, signalhouse, apollo, twilio, …")
        parser.add_argument(
            "values",
            nargs="*",
            metavar="VALUE",
            help=f"set-price: OPERATION PRICE; policy: {', '.join(Vendor.ServerErrors.values)}; bill: FILE",
        )
        parser.add_argument("--reason", default="", metavar="WORDS", help="Why it is paused")
        parser.add_argument("--replace", action="store_true", help="bill: days that are stored already become these")
        add_user(parser, required=False, help="Who does it: a superuser; the vendor's history names them")

    def handle(self, *_args: object, **options: Any) -> None:
        if options["act"] == "list":
            self._list(options)
            return
        vendor = _vendor(options["name"])
        if options["act"] == "test":
            self._test(options, vendor)
            return
        by = _operator(options["user"])
        acts: dict[str, Callable[[dict[str, Any], Vendor, User], str]] = {
            "pause": _pause,
            "resume": _resume,
            "confirm-prices": _confirm_prices,
            "set-price": _set_price,
            "policy": _policy,
            "bill": _bill,
        }
        words = acts[options["act"]](options, vendor, by)
        vendor.refresh_from_db()
        self.report(options, _facts(vendor), [f"{vendor.pk}: {words}."])

    def _test(self, options: dict[str, Any], vendor: Vendor) -> None:
        answer = vendors.test_connection(vendor)
        if answer.ok is False:
            raise CommandError(f"{vendor.pk}: {answer.words}")
        self.report(options, {"name": vendor.pk, "ok": answer.ok, "words": answer.words}, [answer.words])

    def _list(self, options: dict[str, Any]) -> None:
        rows = [_facts(catalogue.vendor(name)) for name in sorted(vendors.names())]
        lines = []
        for row in rows:
            lines.append(
                f"{row['name']}  {row['trouble'] or 'open'}  ${row['spentToday']:.2f} of ${row['dailyCap']:.2f} today"
            )
            if row["excessThisWeek"]:
                lines.append(f"  its own count is ${row['excessThisWeek']:.2f} above the price list, in 7 days")
        self.report(options, {"vendors": rows}, lines)


# --- The acts: each answers with what was done ------------------------------------------------------------------------


def _pause(options: dict[str, Any], vendor: Vendor, by: User) -> str:
    vendors.pause_vendor(vendor=vendor, by=by, reason=options["reason"])
    return _told(by, vendor, f"Paused: {options['reason']}")


def _resume(_options: dict[str, Any], vendor: Vendor, by: User) -> str:
    vendors.resume_vendor(vendor=vendor, by=by)
    return _told(by, vendor, "Resumed")


def _confirm_prices(_options: dict[str, Any], vendor: Vendor, by: User) -> str:
    vendors.confirm_price_list(vendor, by)
    return "The price list is right: it is charged as before, and the vendor's own count is not"


def _set_price(options: dict[str, Any], vendor: Vendor, by: User) -> str:
    operation, price = _values(options, "OPERATION PRICE", 2)
    vendors.set_price(vendor=vendor, operation=operation, price=dollars(price), by=by)
    return f"{operation} costs ${dollars(price)} a unit"


def _policy(options: dict[str, Any], vendor: Vendor, by: User) -> str:
    (policy,) = _values(options, "one of " + ", ".join(Vendor.ServerErrors.values), 1)
    vendors.set_server_error_policy(vendor=vendor, policy=policy, by=by)
    words = Vendor.ServerErrors(policy).label
    return f"Server errors in answer to a paid request: {words[0].lower()}{words[1:]}"


def _bill(options: dict[str, Any], vendor: Vendor, by: User) -> str:
    (name,) = _values(options, "FILE", 1)
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    days = bills.read(data, today=database_now().date())
    try:
        done = bills.upload(vendor=vendor, days=days, by=by, replace=options["replace"])
    except bills.AlreadyBilled as already:
        raise CommandError(f"{already} With --replace these numbers take their place. Nothing was stored.") from None
    return _told(by, vendor, str(done))


def _values(options: dict[str, Any], what: str, count: int) -> list[str]:
    found: list[str] = options["values"]
    if len(found) != count:
        raise CommandError(f"vendors {options['act']} NAME takes {what}.")
    return found


def _told(by: User, vendor: Vendor, words: str) -> str:
    LogEntry.objects.log_actions(by.pk, [vendor], CHANGE, words, single_object=True)
    return words


# --- Who and what -----------------------------------------------------------------------------------------------------


def _vendor(name: str | None) -> Vendor:
    if name not in vendors.names():
        raise CommandError(f"Which vendor? One of {', '.join(sorted(vendors.names()))}.")
    return catalogue.vendor(name)


def _operator(username: str | None) -> User:
    if username is None:
        raise CommandError("Say who: --user USERNAME. The vendor's history names them.")
    user: User = user_named(username)
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
        "needsBillingCheck": vendor.billing_check,
        "serverErrorPolicy": vendor.server_error_policy,
        "spentToday": spent,
        "reserved": reserved,
        "dailyCap": vendor.cap,
        "excessThisWeek": books.excess_of(vendor.pk, since=now - WEEK),
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
