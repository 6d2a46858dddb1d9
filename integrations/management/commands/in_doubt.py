"""`manage.py in_doubt`: requests and phones that may have been billed, and the operator's answers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from accounts.models import User
from common.commands.base import ProductCommand, add_user, dollars, row_of, span_of, user_named
from common.dates import moment
from integrations.ledger import calls
from integrations.lookups import reveals
from integrations.lookups.answers import forget_unreadable
from integrations.models import PhoneReveal, VendorCall
from integrations.operating import doubts, vendors
from integrations.operating.doubts import Outage


class Command(ProductCommand):
    help = (
        "Lists requests and Apollo's phones that need a billing check, with their evidence, and decides them by what "
        "the vendor's bill says: one by its id, or all of an outage by vendor and time (UTC)."
    )
    example = (
        "python manage.py in_doubt\n"
        "  python manage.py in_doubt CALL --release --user ann         # not on the bill: the money comes back\n"
        "  python manage.py in_doubt CALL --write-off --user ann       # on the bill: at most what is held for it\n"
        '  python manage.py in_doubt CALL --write-off --cost 0.96 --reason "invoice 118" --user ann\n'
        "  python manage.py in_doubt --vendor realestateapi --from 2026-11-29T02:00 --to 2026-11-29T02:40 --release\n"
        "  python manage.py in_doubt CALL --ask-again                  # a paid answer that could not be read"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("call", nargs="?", metavar="CALL", help="The id of what needs a billing check")
        answer = parser.add_mutually_exclusive_group()
        answer.add_argument("--release", action="store_true", help="Mark as not billed: the money comes back")
        answer.add_argument("--write-off", action="store_true", help="Mark as billed: the money is spent")
        answer.add_argument("--ask-again", action="store_true", help="Its unreadable answer serves nobody any more")
        parser.add_argument(
            "--cost", metavar="USD", help="With --write-off: what the bill says; without it, all that is held (at most)"
        )
        parser.add_argument("--reason", default="", metavar="WORDS", help="Why; needed for a cost above what is held")
        add_user(parser, required=False, help="Who decides: may change vendors; kept with the decision")
        parser.add_argument("--vendor", metavar="NAME", help="Only this vendor's; with an answer: decide them all")
        parser.add_argument("--from", dest="since", metavar="TIME", help="Sent at or after: 2026-11-29 or …T02:00, UTC")
        parser.add_argument("--to", dest="until", metavar="TIME", help="Sent up to and with this minute or day, UTC")
        parser.add_argument("--phones", action="store_true", help="With --vendor apollo: its phones, not its requests")

    def handle(self, *_args: object, **options: Any) -> None:
        answers = options["release"] or options["write_off"] or options["ask_again"]
        outage = _outage(options)
        if options["cost"] is not None and not (options["write_off"] and options["call"]):
            raise CommandError("--cost goes with one CALL and --write-off.")
        if options["call"] is not None:
            if outage is not None:
                raise CommandError("Either one CALL, or --vendor with --from and --to.")
            if not answers:
                raise CommandError("Say --release (it was not billed) or --write-off (it was).")
            self._one(options)
        elif not answers:
            self._list(options, outage)
        elif outage is None or options["ask_again"]:
            raise CommandError("Which request? Give its id (in_doubt lists them), or --vendor with --from and --to.")
        else:
            self._many(options, outage)

    # --- One ----------------------------------------------------------------------------------------------------------

    def _one(self, options: dict[str, Any]) -> None:
        call = row_of(VendorCall.objects.all(), options["call"])
        if options["ask_again"]:
            self._ask_again(options, call)
            return
        by, reason = _operator(options["user"]), options["reason"]
        phones = PhoneReveal.objects.filter(pk=call.pk).exclude(state=PhoneReveal.State.EARLY).first()
        row: VendorCall | PhoneReveal = phones or call  # with phones to come its call is settled
        what = f"The reveal of phones {call.pk}" if phones else f"The request {call.pk}"
        cost = dollars(options["cost"]) if options["cost"] is not None else None
        with transaction.atomic():
            if options["release"]:
                decided = (reveals.release if phones else calls.release_doubt)(call.pk, by=by, reason=reason)
            else:
                decided = (reveals.write_off if phones else calls.write_off)(call.pk, cost=cost, by=by, reason=reason)
        if not decided:
            raise CommandError(f"{what} needs no billing check: it is {row.get_state_display().lower()}.")
        spent = row.reserved if cost is None else cost
        self._tell(options, call, row.reserved if options["release"] else spent, after=_after(options, call, phones))

    def _tell(self, options: dict[str, Any], call: VendorCall, amount: Decimal, *, after: str) -> None:
        verdict = "written off" if options["write_off"] else "released"
        words = "marked as billed" if options["write_off"] else "marked as not billed"
        call.refresh_from_db()
        facts = {
            "id": call.pk,
            "verdict": verdict,
            "dollars": amount,
            "by": call.decided_by and call.decided_by.get_username(),
            "at": call.decided_at,
            "reason": call.decision,
        }
        self.report(options, facts, [f"${amount:.2f} {words}. {after}"])

    def _ask_again(self, options: dict[str, Any], call: VendorCall) -> None:
        with transaction.atomic():
            freed = forget_unreadable(call.pk, by=_operator(options["user"]))
        if not freed:
            raise CommandError(f"No answer of the request {call.pk} is kept as unreadable.")
        words = f"May be bought again: {freed:,} of its records; ${call.cost:.2f} stays spent."
        retry = f" Its leads: retry_failed {call.run_id}" if call.run_id else ""
        self.report(options, {"id": call.pk, "lookups": freed}, [words + retry])

    # --- Many ---------------------------------------------------------------------------------------------------------

    def _many(self, options: dict[str, Any], outage: Outage) -> None:
        decided = doubts.decide(
            outage=outage, billed=options["write_off"], by=_operator(options["user"]), reason=options["reason"]
        )
        facts = {
            "vendor": outage.vendor,
            "verdict": "written off" if options["write_off"] else "released",
            "requests": decided.requests,
            "leads": decided.leads,
            "dollars": decided.dollars,
            "decidedMeanwhile": decided.meanwhile,
            "left": decided.left.requests,
        }
        self.report(options, facts, [decided.in_words, "Leads that waited for them continue."])

    def _list(self, options: dict[str, Any], outage: Outage | None) -> None:
        requests = VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT)
        phones = PhoneReveal.objects.filter(state=PhoneReveal.State.IN_DOUBT)
        if outage is not None:
            requests, phones = doubts.rows_of(outage, phones=False), doubts.rows_of(outage, phones=True)
        rows = [
            _row("request", call, call.inputs, call) for call in requests.select_related("operation").order_by("pk")
        ]
        with_calls = phones.select_related("call__operation").order_by("pk")
        rows += [_row("phones", reveal.call, len(reveal.people), reveal) for reveal in with_calls]
        lines = [
            f"{r['id']}  {moment(r['sentAt'])}  {r['operation']}, "
            f"{'phones of ' if r['what'] == 'phones' else ''}{r['inputs']} inputs, ${r['reserved']:.2f}: {r['reason']}"
            for r in rows
        ]
        if rows:
            held = sum((r["reserved"] for r in rows), Decimal(0))
            many = "needs" if len(rows) == 1 else "need"
            lines.append(f"{len(rows):,} {many} a billing check, ${held:.2f} held.")
        self.report(options, {"inDoubt": rows}, lines or ["Nothing needs a billing check."])


def _outage(options: dict[str, Any]) -> Outage | None:
    name = options["vendor"]
    since, until = _bounds(options["since"], options["until"])
    if name is None:
        if since or until or options["phones"]:
            raise CommandError("--from, --to and --phones go with --vendor.")
        return None
    if name not in vendors.names():
        raise CommandError(f"Which vendor? One of {', '.join(sorted(vendors.names()))}.")
    return Outage(name, since, until, phones=options["phones"])


def _bounds(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """The times asked for, UTC, as [from, until)."""
    first = span_of(since)[0] if since else None
    last = span_of(until)[1] if until else None
    if first and last and first >= last:
        raise CommandError("--from is after --to.")
    return first, last


def _operator(username: str | None) -> User | None:
    if username is None:
        return None
    user: User = user_named(username)
    if not user.has_perm("integrations.change_vendor"):
        raise CommandError(f"{username} may not decide billing checks: it needs an administrator.")
    return user


def _after(options: dict[str, Any], call: VendorCall, phones: PhoneReveal | None) -> str:
    if phones is None:
        return f"Leads that waited for it continue; those that failed: retry_failed {call.run_id}"
    after = "Should the phones come after all, their leads get them and the money is put right."
    return f"Whoever asks for these phones again pays for them. {after}" if options["release"] else after


def _row(what: str, call: VendorCall, inputs: int, doubtful: VendorCall | PhoneReveal) -> dict[str, Any]:
    return {
        "id": call.pk,
        "what": what,
        "operation": str(call.operation),
        "run": call.run_id,
        "inputs": inputs,
        "reserved": doubtful.reserved,
        "sentAt": call.sent_at,
        "reason": doubtful.reason,
    }
