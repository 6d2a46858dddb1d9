"""One thing done to many leads: a job in pieces, with its progress, and undone where that is possible."""
