"""E-mails from a due step to the mail server, once; and what it means where they do not get there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from campaigns import clock
from campaigns.models import Campaign, Delivery
from campaigns.sending import marks, sweeps
from campaigns.sending.doubts import resolve
from campaigns.sending.mailing import message_id
from leads.models import Activity, Suppression
from tests.campaigns.sending.mailing import FROM, make_mails, of
from tests.campaigns.sending.postbox import Postbox, words
from tests.campaigns.sending.world import move, send_all

pytestmark = pytest.mark.django_db(transaction=True)


def reasons() -> list[tuple[str, str]]:
    return sorted(Suppression.objects.values_list("reason", "scope"))


def test_three_people_get_an_email_each_and_the_next_one_in_its_thread(postbox: Postbox, settings: Any) -> None:
    place = make_mails(3, settings, postbox, steps=((0, "days", "email"), (2, "days", "email")))
    send_all()
    assert postbox.to() == ["p0@example.com", "p1@example.com", "p2@example.com"]
    assert place.counters() == {"accepted": 3, "sent": 3}
    row, mail = of(place, "p0"), postbox.mail("p0@example.com")
    assert (row.vendor, row.vendor_id, row.state, row.channel) == ("mail", None, "accepted", "email")
    assert mail["Message-ID"] == f"<{row.pk}@mail.example.com>"
    assert mail["From"] == f"Jane Agent <{FROM}>"
    assert mail["Reply-To"] == f"r+{row.callback_token.hex}@in.example.com"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["In-Reply-To"] is None
    assert "unsubscribe.invalid" not in words(mail)
    assert Activity.objects.get(ref=row.pk).kind == "email"
    move(timedelta(days=2, hours=1))
    send_all()
    assert len(postbox.taken) == 6
    second = of(place, "p0")
    _, follow = [mail for to, mail in postbox.taken if to == "p0@example.com"]
    assert follow["In-Reply-To"] == follow["References"] == message_id(row.pk, FROM)
    assert follow["Message-ID"] == message_id(second.pk, FROM)
    assert place.counters() == {"accepted": 6, "sent": 6}


@pytest.mark.long
def test_a_throttled_server_loses_nobody(postbox: Postbox, settings: Any) -> None:
    """T6 (b): 454 from a message on for a while; a connection cut at MAIL. Not sent: due again, none has failed."""
    place = make_mails(12, settings, postbox)
    postbox.throttled_from, postbox.throttled, postbox.cuts = 4, 3, 1
    for _ in range(8):
        send_all()
        if len(postbox.taken) == 12:
            break
        Delivery.objects.filter(state="due").update(not_before=None)
        open_again()
    assert postbox.to() == sorted(f"p{n}@example.com" for n in range(12))
    assert max(postbox.asked.values()) > 1
    assert place.counters() == {"accepted": 12, "sent": 12}
    assert reasons() == []


def open_again() -> None:
    """The pace's wait is over."""
    from integrations.models import Operation

    assert Operation.objects.filter(name="email", next_slot_at__isnull=False).update(next_slot_at=None) <= 1


@pytest.mark.long
def test_one_bad_recipient_costs_the_others_nothing(postbox: Postbox, settings: Any, monkeypatch: Any) -> None:
    """T8: the fourth has no mailbox, the sixth lost her first name past the approval, our code breaks on the eighth."""
    names = [f"p{n}" for n in range(10)]
    names[3] = "554"
    place = make_mails(10, settings, postbox, names=names)
    from campaigns.sending import intending, mailing, steps

    steps.make_due()
    sixth = place.leads[5]
    type(sixth).objects.filter(pk=sixth.pk).update(first_name="", owner_name="", last_name="")
    real = mailing.mail_of

    def break_on(row: Delivery) -> Any:
        if row.address == "p7@example.com":
            raise ZeroDivisionError
        return real(row)

    monkeypatch.setattr(intending, "mail_of", break_on)
    for run in range(5):
        send_all()
        row = of(place, "p7")
        assert (row.state, row.faults) == (("due", run + 1) if run < 2 else ("failed", 3))
        move(timedelta(minutes=2))
    assert postbox.to() == sorted(f"p{n}@example.com" for n in (0, 1, 2, 4, 6, 8, 9))
    bad, nameless, broken = of(place, "554"), of(place, "p5"), of(place, "p7")
    assert (bad.state, bad.refusal, bad.bounced_at is not None) == ("failed", "hard_bounce", True)
    assert (nameless.state, nameless.error) == ("refused", "missing_value:firstName")
    assert (broken.state, broken.error) == ("failed", "ZeroDivisionError")
    assert reasons() == [("hard_bounce", "email")]
    assert place.counters() == {"accepted": 7, "failed": 2, "refused": 1, "sent": 9}
    assert place.now().bounced == 1


def test_a_doubt_after_the_dot_is_never_sent_again(postbox: Postbox, settings: Any) -> None:
    """T10, by SMTP: cut, and silent, after the dot. A reply, a bounce or a person ends it."""
    settings.VENDOR_READ_TIMEOUT = 2.0  # of the three, two are answered
    place = make_mails(3, settings, postbox, names=["cut", "silence"])
    for _ in range(3):
        send_all()
        Delivery.objects.filter(state="due").update(not_before=None)
        reopen()
    assert postbox.to() == ["cut@example.com", "p2@example.com", "silence@example.com"]
    assert place.states() == {"accepted": 1, "in_doubt": 2}
    cut, silence = of(place, "cut"), of(place, "silence")
    assert (cut.intended_at, silence.intended_at) != (None, None)
    sweeps.sweep()
    assert marks.replied(cut.pk, clock.now())
    assert not marks.replied(cut.pk, clock.now())
    resolve(delivery_id=silence.pk, was_sent=False, by=place.user)
    assert place.counters() == {"accepted": 2, "failed": 1, "sent": 3}
    assert marks.bounced(silence.pk, "5.1.1", "No such user", "hard")  # it had left after all
    assert place.counters() == {"accepted": 2, "failed": 1, "sent": 3}
    assert place.now().bounced == 1 and reasons() == [("hard_bounce", "email")]


def reopen() -> None:
    """The breaker's time is over, and a person resumes."""
    from integrations.ledger import breaker

    breaker.reset("mail")
    Campaign.objects.filter(status="paused").update(status="running", paused_by="")
