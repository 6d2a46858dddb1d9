"""A forgotten person in conversations: her number and both sides' words go, the rows stay."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model

from campaigns.inbound import mail_posts
from campaigns.models import Conversation, Inbound, IncomingMessage
from integrations.vendors import messaging
from integrations.vendors.messaging import IncomingText
from leads.keys.owner_keys import PHONE
from leads.privacy.places import PIECE, Her, Piece, first_changed
from leads.privacy.texts import values_in


def in_conversations(after: str, her: Her) -> Piece:
    """Conversations with a number of hers lose it."""
    return _by_key(Conversation, "address", after, her)


def in_received(after: str, her: Her) -> Piece:
    """What she wrote goes whole; of what others wrote, her numbers and e-mails."""

    def change(pk: UUID, text: str | None, subject: str | None, kind: int, digest: bytes) -> int:
        hers = (kind, bytes(digest)) in her.digests
        left = {name: None if hers else her.text(said) for name, said in (("text", text), ("subject", subject)) if said}
        if all(left[name] == said for name, said in (("text", text), ("subject", subject)) if name in left):
            return 0
        return IncomingMessage.objects.filter(pk=pk, text=text, subject=subject).update(**left)

    rows = IncomingMessage.objects.exclude(text=None, subject=None).order_by("pk")
    found = rows.values_list("pk", "text", "subject", "key__kind", "key__digest")
    return first_changed((found.filter(pk__gt=UUID(after)) if after else found)[:PIECE], change)


def in_posts(after: str, her: Her) -> Piece:
    """Handled posts by or about her: emptied. One that waits is emptied by who handles it, as she is listed by now."""

    def change(pk: UUID, vendor: str, headers: Any, body: bytes) -> int:
        hers = _tells_of(vendor, headers, bytes(body), her)
        return Inbound.objects.filter(pk=pk, handled_at__isnull=False).update(body=None) if hers else 0

    rows = Inbound.objects.filter(body__isnull=False, handled_at__isnull=False).order_by("pk")
    found = rows.values_list("pk", "vendor", "headers", "body")
    return first_changed((found.filter(pk__gt=UUID(after)) if after else found)[:PIECE], change)


def _tells_of(vendor: str, headers: Any, body: bytes, her: Her) -> bool:
    if vendor == mail_posts.VENDOR:
        return _of_mail(headers, body, her)
    said = messaging.read_post(vendor, headers, body)
    texts = [] if isinstance(said, messaging.Unreadable) else [one for one in said if isinstance(one, IncomingText)]
    values = {(int(PHONE), one.number) for one in texts}
    words = " ".join(one.text for one in texts) + " " + body.decode("utf-8", "replace")
    return bool(her.among(values | {value for value, _ in values_in(words)}))


def _of_mail(headers: Any, body: bytes, her: Her) -> bool:
    """Its parts may be encoded: they are read as they were when they came."""
    said = mail_posts.said_in(headers, body)
    read = [] if isinstance(said, messaging.Unreadable) else said
    texts = [text for one in read for text in (*mail_posts.addresses_in(one), *mail_posts.texts_in(one))]
    words = " ".join([*texts, body.decode("utf-8", "replace")])
    return bool(her.among({value for value, _ in values_in(words)}))


def _by_key(model: type[Model], column: str, after: str, her: Her) -> Piece:
    rows = model._base_manager.filter(**{f"{column}__isnull": False}).order_by("pk")  # Django's own name
    found = rows.values_list("pk", "key__kind", "key__digest")

    def change(pk: UUID, kind: int, digest: bytes) -> int:
        hers = (kind, bytes(digest)) in her.digests
        return model._base_manager.filter(pk=pk).update(**{column: None}) if hers else 0

    return first_changed((found.filter(pk__gt=UUID(after)) if after else found)[:PIECE], change)
