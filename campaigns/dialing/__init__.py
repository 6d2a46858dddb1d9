"""Calls of a list: who is before which caller, each press asked at the gate, and how a call ended."""
