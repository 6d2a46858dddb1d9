"""Ids made by us. UUIDv7: the order of ids is the order of insertion, so a plain keyset pages through any table."""

import uuid

import uuid6


def uuid7() -> uuid.UUID:
    """A new UUIDv7 (RFC 9562), as the standard library's class."""
    return uuid.UUID(int=uuid6.uuid7().int)
