"""How often an e-mail or an address may ask for an appointment: counted in PostgreSQL, a day at a time."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

from campaigns.models import BookingCount
from common.db.clock import database_now

EMAIL_MOST = 5  # a day: an owner who cannot make up her mind
ADDRESS_MOST = 20  # a day: an office shares one address
KEPT = timedelta(days=2)


class TooMany(Exception):
    """This e-mail or address has asked too often today."""

    def __str__(self) -> str:
        return "Too many appointments were asked for today. Try again tomorrow."


def spend(*, email: str, address: str) -> None:
    """Counts one request for both. Raises TooMany. Each statement is a transaction of its own: refused ones count."""
    for value, most in ((f"address {address}", ADDRESS_MOST), (f"email {email.casefold()}", EMAIL_MOST)):
        if _count(value) > most:
            raise TooMany


def _count(value: str) -> int:
    digest = salted_hmac("campaigns.booking.counts", value, secret=settings.SECRET_KEY, algorithm="sha256").digest()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO campaigns_bookingcount AS c (digest, day, count)
            VALUES (%s, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1)
            ON CONFLICT (digest, day) DO UPDATE SET count = c.count + 1 RETURNING count
            """,
            [digest],
        )
        return int((cursor.fetchone() or (0,))[0])


def forget_old() -> int:
    """Days that count for nothing any more."""
    return int(BookingCount.objects.filter(day__lt=(database_now() - KEPT).date()).delete()[0])
