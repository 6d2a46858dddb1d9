"""Suppressions, consents, registry checks, their files, and the team's company."""
