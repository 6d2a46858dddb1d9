"""Measurements of the product on this machine: every figure is a ratio against a baseline of the same run."""
