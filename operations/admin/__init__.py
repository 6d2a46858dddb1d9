"""Home's context, the audit log and beat's own tables."""

from operations.admin import audit, periodic

__all__ = ["audit", "periodic"]
