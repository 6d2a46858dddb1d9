"""Damage done to the real stack, and the books checked afterwards: `python -m tests.chaos [scenario ...]`."""
