"""Entry points of campaigns over HTTP."""
