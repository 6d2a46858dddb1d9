"""Call lists: campaigns that callers work, with a page of their own."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from campaigns.models.campaigns import Campaign
from leads.querysets import TeamQuerySet


class CallLists(models.Manager.from_queryset(TeamQuerySet["CallList"])):  # type: ignore[misc]  # made at run time
    """Campaigns of calls alone."""

    def get_queryset(self) -> models.QuerySet[CallList]:
        rows: models.QuerySet[CallList] = super().get_queryset()
        return rows.filter(channel=Campaign.Channel.CALL)


class CallList(Campaign):
    """Answers: which people do callers call, one by one? Its rows are the campaigns' whose channel is calls."""

    objects: ClassVar[Any] = CallLists()

    class Meta:
        proxy = True
        verbose_name = "call list"
