"""`manage.py in_doubt`: requests and phones that may have been billed, and the operator's two answers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from config.common.commands import ProductCommand, row_of
from integrations import calls, reveals
from integrations.models import PhoneReveal, VendorCall


class Command(ProductCommand):
    help = "Lists requests and Apollo's phones in doubt with their evidence, or settles one by what the bill says."
    example = (
        "python manage.py in_doubt\n"
        "  python manage.py in_doubt CALL --release      # not on the vendor's bill: the money comes back\n"
        "  python manage.py in_doubt CALL --write-off    # on the bill: the money is spent, nothing came"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("call", nargs="?", metavar="CALL", help="The id of what is in doubt")
        answer = parser.add_mutually_exclusive_group()
        answer.add_argument("--release", action="store_true", help="It was not bought")
        answer.add_argument("--write-off", action="store_true", help="It was bought, and the answer is lost")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["call"] is None:
            if options["release"] or options["write_off"]:
                raise CommandError("Which request? Give its id: in_doubt lists them.")
            self._list(options)
            return
        if not (options["release"] or options["write_off"]):
            raise CommandError("Say --release (it was not bought) or --write-off (it was).")
        call = row_of(VendorCall.objects.all(), options["call"])
        phones = PhoneReveal.objects.filter(pk=call.pk).exclude(state=PhoneReveal.State.EARLY).first()
        if phones is not None:  # then its call is settled
            row: VendorCall | PhoneReveal = phones
            what, act = (
                f"The reveal of phones {call.pk}",
                reveals.write_off if options["write_off"] else reveals.release,
            )
            after = "Should the phones come after all, their leads get them and the money is put right."
            if options["release"]:
                after = f"Whoever asks for these phones again pays for them. {after}"
        else:
            row = call
            what, act = f"The request {call.pk}", calls.write_off if options["write_off"] else calls.release_doubt
            after = f"Its leads can be bought again: retry_failed {call.run_id}"
        with transaction.atomic():
            decided = act(call.pk)
        if not decided:
            raise CommandError(f"{what} is not in doubt: it is {row.get_state_display().lower()}.")
        verdict = "written off" if options["write_off"] else "released"
        self.report(
            options,
            {"id": call.pk, "verdict": verdict, "dollars": row.reserved},
            [f"${row.reserved:.2f} {verdict}. {after}"],
        )

    def _list(self, options: dict[str, Any]) -> None:
        requests = VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT).select_related("operation").order_by("pk")
        rows = [_row("request", call, call.inputs, call) for call in requests]
        phones = PhoneReveal.objects.filter(state=PhoneReveal.State.IN_DOUBT).select_related("call__operation")
        rows += [_row("phones", reveal.call, len(reveal.people), reveal) for reveal in phones.order_by("pk")]
        lines = [
            f"{r['id']}  {r['sentAt']:%Y-%m-%d %H:%M:%S} UTC  {r['operation']}, "
            f"{'phones of ' if r['what'] == 'phones' else ''}{r['inputs']} inputs, ${r['reserved']:.2f}: {r['reason']}"
            for r in rows
        ]
        self.report(options, {"inDoubt": rows}, lines or ["Nothing is in doubt."])


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
