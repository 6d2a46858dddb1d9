"""`manage.py demo`: the whole product against made-up vendors, and the main job in plain sight."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.text import slugify
from knox.models import AuthToken

from accounts.services import create_api_token
from accounts.tokens import end_tokens
from common.commands.base import ProductCommand
from common.commands.progress import Tick, follow
from devtools.arguments import add_stack_arguments, options_of
from devtools.job import Api, Job, Json, Ledger, as_line, counties
from devtools.mailing import Mailing
from devtools.management.commands.up import where_to_look
from devtools.mode import Mode, first_line
from devtools.place import kept_secret
from devtools.process import LocalError
from devtools.servers import LOCAL
from devtools.stack import Stack, interruptible
from devtools.steps import step
from devtools.texting import CLOCK, Texting

USER, TOKEN_NAME = "demo", "Demo"
TOKEN, PASSWORD = LOCAL / "demo" / "token", LOCAL / "demo" / "password"
LIKED_PARCELS = 20_000  # of the county that is taken where none is named: big enough to choose from
NAMED_PLACES = 5  # in a bucket's name, which has 200 characters
CAPS = {"daily_lead_limit": 1_000_000, "monthly_budget": Decimal(1_000_000)}  # made-up money


class Command(ProductCommand):
    help = "Counts, saves, quotes, enriches, exports, texts and e-mails leads of a county by HTTP, then stays up."
    example = "python manage.py demo --exit --parcels king_county_sales.csv --leads 2000"
    refusals = (LocalError,)
    reports = False

    def add_arguments(self, parser: CommandParser) -> None:
        add_stack_arguments(parser, port=os.environ.get("PORT", "8000"))
        parser.add_argument("--exit", action="store_true", help="Stop after the job; the last line is one JSON object")
        parser.add_argument("--leads", type=int, default=2000, metavar="N", help="Leads to buy facts for (2000)")
        parser.add_argument("--county", help="Of which county (without: one that the parcels are in)")
        parser.add_argument("--state", metavar="XX", help="Of which state")

    def handle(self, *_args: object, **options: Any) -> None:
        if options["leads"] < 1:
            raise CommandError(f"--leads {options['leads']}: at least 1.")
        asked = options_of(options)
        asked = replace(asked, environment={**asked.environment, "CAMPAIGN_CLOCK": CLOCK})
        with interruptible():
            self.stdout.write(first_line(Mode.SANDBOX, settings.VENDORS))
            with Stack(asked) as stack:
                self.stdout.write(f"Up at {stack.web_url}.")
                result = self._job(stack, options)
                wrong = _wrong(result, options["leads"])
                if not options["exit"]:
                    if wrong:
                        self.note(wrong)
                    self._stay(stack)
        if options["exit"]:
            self.stdout.write(as_line(result))
        if wrong:
            raise CommandError(wrong)

    def _job(self, stack: Stack, options: dict[str, Any]) -> dict[str, Any]:
        criteria = _criteria(stack, options)
        places = [", ".join(part.values()) for part in criteria.get("or", [criteria])]
        place = "; ".join(places) if len(places) <= NAMED_PLACES else f"{len(places)} counties"
        parcels = "+".join(path.stem for path in stack.options.parcels) or "generated"
        job = Job(
            api=Api(stack.web_url, _token()),
            criteria=criteria,
            name=f"Demo: {place} ({parcels})",
            follow=lambda read, label: follow(watched(stack, read), out=self.stdout, label=f"   {label}"),
        )
        step("1. Counting what the search finds")
        found = job.count()
        self._say(1, "Count", f"{found:,} properties in {place}, $0.00")
        step("2. Saving the ids into a bucket")
        new, made = job.save()
        saved = int((job.bucket or {})["totalLeads"])
        self._say(2, "Save", f"{saved:,} ids in {'a new' if made else 'the'} bucket “{job.name}”, {new:,} new, $0.00")
        if ended := job.end_open_runs():
            self._say(2, "Save", f"{ended} unfinished run(s) of an interrupted demo ended")
        step("3. Choosing leads")
        chosen = job.choose(options["leads"])
        self._say(3, "Choose", f"the first {len(chosen):,} of {saved:,} leads, $0.00")
        step("4. Asking for the price")
        quote = job.quote(chosen)
        price = Decimal(quote["price"])
        self._say(4, "Quote", f"{quote['owned']:,} owned, {quote['toBuy']:,} to buy: at most ${price:,.2f}")
        step("5. Enriching the chosen")
        before = Ledger.read(stack.sandbox_url)
        run, seconds = job.enrich(chosen, price)
        bill = Ledger.read(stack.sandbox_url).since(before)
        counts, spent = run["counts"], Decimal(run["spent"])
        self._say(5, "Enrich", f"{counts['enriched']:,} have a phone, {counts['partial']:,} have none, "
                  f"{counts['failed']:,} failed; {bill.requests} vendor requests in {seconds:.1f} s")  # fmt: skip
        step("6. Exporting")
        csv = LOCAL / "demo" / f"{slugify(job.name)}.csv"
        rows = job.export(run, csv)
        self._say(6, "Export", f"{rows:,} leads in {csv}")
        self._say(7, "Compare", f"spent ${spent:,.2f}, billed ${bill.billed:,.2f}")
        step("8. Texting them")
        texting = Texting(api=job.api, stack=stack, bucket_id=(job.bucket or {})["id"])
        sms = texting.run(lambda step, words: self._say(8, step, words))
        step("9. E-mailing them")
        mails = Mailing(texting=texting).run(lambda step, words: self._say(9, step, words))
        everything = saved * sum(Decimal(line["unitPrice"]) for line in quote["byVendor"])
        self.stdout.write(
            f"Found {found:,}, spent ${spent:,.2f}; buying everything would be ${everything:,.2f}: "
            f"${everything - spent:,.2f} saved."
        )
        return {
            "found": found,
            "saved": saved,
            "enriched": counts["enriched"],
            "partial": counts["partial"],
            "failed": counts["failed"],
            "spent": spent,
            "billed": bill.billed,
            "requests": bill.requests,
            "rejected_429": bill.rejected,
            "seconds": round(seconds, 1),
            "csv": str(csv),
            "exported": rows,
            "sms": sms,
            "email": mails,
        }

    def _say(self, number: int, step: str, words: str) -> None:
        self.stdout.write(f"{number}. {step:<8} {words}")

    def _stay(self, stack: Stack) -> None:
        self.stdout.write(f"Sign in: {stack.web_url}/admin/ as {USER}, the password is in {PASSWORD}")
        self.stdout.write(f"Mail:    {settings.EMAIL_HOST if settings.EMAIL_URL else settings.EMAIL_FILE_PATH}")
        self.stdout.write(f'Ask:     curl -H "Authorization: Token $(cat {TOKEN})" {stack.web_url}/api/usage')
        for line in where_to_look(stack):
            self.stdout.write(line)
        try:
            stack.watch()
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")


def watched(stack: Stack, read: Callable[[], Tick]) -> Callable[[], Tick]:
    """`read`, which also ends when a process of the stack has died."""

    def look() -> Tick:
        stack.check()
        return read()

    return look


def _criteria(stack: Stack, options: dict[str, Any]) -> Json:
    """Which properties: of the place named, of every county of the parcels given, or of one that was made up."""
    named = {name: options[name] for name in ("county", "state") if options[name]}
    known = [c for c in counties(stack.sandbox_url) if all(str(c[n]).lower() == v.lower() for n, v in named.items())]
    if not known:
        raise LocalError(f"there are no parcels in {', '.join(named.values()) or 'any county'}")
    if not named and not stack.options.parcels:
        known.sort(key=lambda county: abs(county["parcels"] - LIKED_PARCELS))
    chosen = known if stack.options.parcels and not named else known[:1]
    places = [{name: county[name] for name in ("county", "state") if county[name]} for county in chosen]
    return places[0] if len(places) == 1 else {"or": places}


def _token() -> str:
    """A token of the demo user, who may also sign in to the admin, on this machine's own database."""
    before = list(AuthToken.objects.filter(user__username=USER, grant__name=TOKEN_NAME).select_related("grant"))
    end_tokens(tokens=before, by=None, why="the next demo has its own")  # or TOKENS_A_PERSON demos would be the last
    user, token, _ = create_api_token(username=USER, name=TOKEN_NAME)
    password = kept_secret(PASSWORD)
    if not user.check_password(password):
        user.set_password(password)
    for name, value in {**CAPS, "is_staff": True, "is_superuser": True}.items():
        setattr(user, name, value)
    user.save()
    TOKEN.touch(mode=0o600)
    TOKEN.write_text(token)
    return token


def _wrong(result: dict[str, Any], leads: int) -> str:
    """What must not be, or nothing."""
    done = result["enriched"] + result["partial"] + result["failed"]
    if result["spent"] != result["billed"]:
        return f"${result['spent']} were spent, but ${result['billed']} billed."
    if result["saved"] < result["found"]:
        return f"{result['found'] - result['saved']} of the properties found were not saved."
    if not done == result["exported"] == min(leads, result["saved"]):
        return f"Leads were lost: {done} came to an end, {result['exported']} were exported, of {leads} chosen."
    return ""
