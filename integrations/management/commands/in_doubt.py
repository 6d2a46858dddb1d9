"""`manage.py in_doubt`: requests that may have been bought, and the operator's two answers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from config.common.commands import ProductCommand, row_of
from integrations.calls import release_doubt, write_off
from integrations.models import VendorCall


class Command(ProductCommand):
    help = "Lists requests in doubt with their evidence, or settles one by what the vendor's bill says."
    example = (
        "python manage.py in_doubt\n"
        "  python manage.py in_doubt CALL --release      # not on the vendor's bill: the money comes back\n"
        "  python manage.py in_doubt CALL --write-off    # on the bill: the money is spent, nothing came"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("call", nargs="?", metavar="CALL", help="The id of a request in doubt")
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
        call = row_of(VendorCall.objects.select_related("operation"), options["call"])
        with transaction.atomic():
            decided = (write_off if options["write_off"] else release_doubt)(call.pk)
        if not decided:
            raise CommandError(f"The request {call.pk} is not in doubt: it is {call.get_state_display().lower()}.")
        verdict = "written off" if options["write_off"] else "released"
        self.report(
            options,
            {"id": call.pk, "verdict": verdict, "dollars": call.reserved},
            [f"${call.reserved:.2f} {verdict}. Its leads can be bought again: retry_failed {call.run_id}"],
        )

    def _list(self, options: dict[str, Any]) -> None:
        calls = VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT).select_related("operation").order_by("pk")
        rows = [
            {
                "id": call.pk,
                "operation": str(call.operation),
                "run": call.run_id,
                "inputs": call.inputs,
                "reserved": call.reserved,
                "sentAt": call.sent_at,
                "reason": call.reason,
            }
            for call in calls
        ]
        lines = [
            f"{r['id']}  {r['sentAt']:%Y-%m-%d %H:%M:%S} UTC  {r['operation']}, {r['inputs']} inputs, "
            f"${r['reserved']:.2f}: {r['reason']}"
            for r in rows
        ]
        self.report(options, {"inDoubt": rows}, lines or ["Nothing is in doubt."])
