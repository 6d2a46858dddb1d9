from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import User, check_time_zone
from common.api.serializers import CamelModelSerializer, StrictSerializer


class SignIn(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)


class ProfileSerializer(CamelModelSerializer[User]):
    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "time_zone"]


class ProfileEdit(StrictSerializer):
    firstName = serializers.CharField(source="first_name", max_length=150, allow_blank=True, required=False)
    lastName = serializers.CharField(source="last_name", max_length=150, allow_blank=True, required=False)
    email = serializers.EmailField(max_length=254, allow_blank=True, required=False)
    timeZone = serializers.CharField(
        source="time_zone",
        max_length=64,
        required=False,
        validators=[check_time_zone],
        help_text="Such as America/Denver: by its clock a time without an offset is read, and a day ends",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Give one of {', '.join(self.fields)}.")
        return attrs
