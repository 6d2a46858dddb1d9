from __future__ import annotations

from django.db import models
from django.db.models import Q


class Budget(models.Model):
    """Answers: how much of this cap is spent, and how much is promised to requests that have not been settled?

    One row per cap and period, by scope (`integrations.ledger.scopes`): of a run, a user's month, a vendor's day (US
    dollars), and of the leads a user buys facts for in a day. The payer brings the cap itself, so that raising one
    takes effect at once.
    """

    scope = models.CharField(
        max_length=100, primary_key=True, verbose_name="limit and period", help_text="Whose limit, and in which period"
    )
    reserved = models.DecimalField(
        max_digits=14,
        decimal_places=4,
        default=0,
        verbose_name="reserved",
        help_text="Reserved for requests not settled yet",
    )
    spent = models.DecimalField(max_digits=14, decimal_places=4, default=0, verbose_name="spent", help_text="Settled")

    class Meta:
        verbose_name = "budget"
        constraints = [
            models.CheckConstraint(condition=Q(reserved__gte=0), name="budget_reserved_not_negative"),
            models.CheckConstraint(condition=Q(spent__gte=0), name="budget_spent_not_negative"),
        ]

    def __str__(self) -> str:
        return self.scope


class BudgetChange(models.Model):
    """Answers: which settlements has a budget not taken in yet?

    Added by a settlement that found the budget's row taken by another transaction: it never waits for one. The next
    reservation takes them in, or beat (`ledger.budgets`). `Balance` counts them.
    """

    scope = models.CharField(max_length=100, help_text="As a Budget's")
    reserved = models.DecimalField(max_digits=14, decimal_places=4, help_text="Added to what is reserved, US dollars")
    spent = models.DecimalField(max_digits=14, decimal_places=4, help_text="Added to what is spent, US dollars")

    def __str__(self) -> str:
        return self.scope


class Balance(models.Model):
    """Answers: how much of this cap is spent and reserved at this moment? A view: a Budget with its changes.

    Who reads money reads this; only reservations and settlements read and change a Budget, which they lock.
    """

    scope = models.CharField(max_length=100, primary_key=True, help_text="As a Budget's")
    reserved = models.DecimalField(max_digits=14, decimal_places=4, help_text="Reserved for requests not settled yet")
    spent = models.DecimalField(max_digits=14, decimal_places=4, help_text="Settled")

    class Meta:
        managed = False

    def __str__(self) -> str:
        return self.scope
