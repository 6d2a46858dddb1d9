from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Invitation, Role, User, check_time_zone
from common.api.serializers import CamelModelSerializer, FlagField, StrictSerializer


class SignIn(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)
    code = serializers.CharField(
        max_length=20, required=False, help_text="Where a second factor is set: from the app, or a recovery code"
    )


class InvitationSerializer(CamelModelSerializer[Invitation]):
    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "is_masked", "created_at", "expires_at"]


class InvitationCreate(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices)
    isMasked = FlagField(
        source="is_masked", required=False, help_text="Phones and e-mails stay hidden, whatever the role allows"
    )


class ProfileSerializer(CamelModelSerializer[User]):
    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "time_zone"]


class ProfileEdit(StrictSerializer):
    firstName = serializers.CharField(source="first_name", max_length=150, allow_blank=True, required=False)
    lastName = serializers.CharField(source="last_name", max_length=150, allow_blank=True, required=False)
    email = serializers.EmailField(max_length=254, allow_blank=True, required=False)
    currentPassword = serializers.CharField(
        source="password",
        max_length=1000,
        trim_whitespace=False,
        required=False,
        help_text="Needed with a new e-mail: a forgotten password is sent there",
    )
    timeZone = serializers.CharField(
        source="time_zone",
        max_length=64,
        required=False,
        validators=[check_time_zone],
        help_text="Such as America/Denver: by its clock a time without an offset is read, and a day ends",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not set(attrs) - {"password"}:
            raise serializers.ValidationError(f"Give one of {', '.join(self.fields)}.")
        return attrs
