from __future__ import annotations

from django.db import models


class PropertyName(models.Model):
    """Answers: which property, by the vendor's id, is meant by this address or parcel number?

    Learned from all bought details and search rows: a property is bought once under all its names.
    """

    name = models.CharField(max_length=64, primary_key=True, help_text="As `stand_in_ids.by_apn` or `by_address`")
    property_id = models.CharField(max_length=64, help_text="RealEstateAPI's id")

    def __str__(self) -> str:
        return self.name
