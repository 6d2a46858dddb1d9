"""Webhooks: what happens in a team, told to addresses it has named. Every room may `emit`, in its own transaction."""

from accounts.webhooks.queue import emit, emit_to_every_team

__all__ = ["emit", "emit_to_every_team"]
