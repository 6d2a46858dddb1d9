"""The list of leads: what is kept of how people look at it, and how it is saved."""
