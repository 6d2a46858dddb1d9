"""Sending: each message once."""
