"""Users, where their runs are known: a switch takes effect on them at once."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import User
from enrichment.worker.sweeps import hold_runs_of_inactive_users
from integrations.admin.money import SpendingUserAdmin

admin.site.unregister(User)


@admin.register(User)
class UserWithRunsAdmin(SpendingUserAdmin):
    """Users. The runs of one who is switched off pause, and go on once the user is switched on again."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data:
            hold_runs_of_inactive_users()
