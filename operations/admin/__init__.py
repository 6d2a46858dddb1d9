"""Home's context and beat's own tables."""

from operations.admin import periodic

__all__ = ["periodic"]
