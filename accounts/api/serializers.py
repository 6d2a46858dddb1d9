from __future__ import annotations

from rest_framework import serializers

from common.api.serializers import StrictSerializer


class SignIn(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)
