"""A file that a person brings, whatever wrote it: its characters, its rows, in pieces. Pure, in flat memory."""
