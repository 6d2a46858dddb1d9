"""A field's bounds, checked by its form and by PostgreSQL."""

from __future__ import annotations

from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from common.values.bounds import Bounds


def within(allowed: Bounds, words: tuple[str, str]) -> list[BaseValidator]:
    """Validators of a field; words: for too little and for too much."""
    return [MinValueValidator(allowed.least, words[0]), MaxValueValidator(allowed.most, words[1])]


def between(field: str, allowed: Bounds, words: tuple[str, str], name: str) -> models.CheckConstraint:
    """The same in PostgreSQL; an empty field is the environment's value."""
    inside = Q(**{f"{field}__gte": allowed.least, f"{field}__lte": allowed.most})
    return models.CheckConstraint(
        condition=Q(**{f"{field}__isnull": True}) | inside, name=name, violation_error_message=" ".join(words)
    )
