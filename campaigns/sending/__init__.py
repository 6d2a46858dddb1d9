"""Sending: messages that are due, each exactly once."""
