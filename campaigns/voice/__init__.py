"""Calls that a vendor places and bridges, and voicemails that it plays."""
