from __future__ import annotations

from django.db import models


class PropertyName(models.Model):
    """Answers: which property, by the vendor's id, is meant by this address or parcel number?

    Learned from all bought details and search rows: a property is bought once under all its names.
    """

    name = models.CharField(max_length=64, primary_key=True, help_text="As `stand_in_ids.by_apn` or `by_address`")
    property_id = models.CharField(max_length=64, help_text="RealEstateAPI's id")
    exact = models.BigIntegerField(default=0, db_default=0, help_text="Hash of the name, as leads.LeadName has it")
    loose = models.BigIntegerField(default=0, db_default=0, help_text="Hash of what a possible match shares with it")
    bare = models.BooleanField(default=False, db_default=False, help_text="An APN without separators")
    learned_at = models.DateTimeField(null=True, help_text="When a bought answer said so")

    class Meta:
        indexes = [
            models.Index(fields=["exact"], name="property_name_by_exact"),
            models.Index(fields=["property_id"], name="property_name_by_property"),
            models.Index(  # a parcel number without separators is found by its digits
                fields=["loose"], condition=models.Q(name__startswith="apn:"), name="property_name_by_digits"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class NameRefresh(models.Model):
    """Answers: by which version of the naming rules were the names of this table made, and how far has it come?

    Names are derived: where the rules of `integrations.lookups.identity` change, `refresh_names` makes them anew.
    """

    of = models.CharField(max_length=10, primary_key=True, help_text="Which names: properties or leads")
    rules = models.PositiveIntegerField(default=0, help_text="Version of the rules that all of them follow")
    next_rules = models.PositiveIntegerField(default=0, help_text="Version that is being brought in")
    after = models.CharField(max_length=64, blank=True, help_text="The last row that follows it")

    def __str__(self) -> str:
        return f"{self.of}: rules {self.rules}"
