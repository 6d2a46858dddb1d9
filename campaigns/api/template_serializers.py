"""Templates and snippets as the API reads and tells them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Snippet, Template, TemplateVersion
from campaigns.texts import mail, snippets
from campaigns.texts.templates import CHANNELS, SMS, TEXT_MAX, typed_of
from common.api.serializers import CamelModelSerializer, IdField, StrictSerializer

NAME = "What you call it"


def _text(most: int, **more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=most, trim_whitespace=False, **more)


class PartsInput(StrictSerializer):
    """The texts. A text message has `text` alone; an e-mail `subject` and `text`, `html` or both."""

    subject = _text(mail.SUBJECT_MAX, required=False, allow_blank=True, help_text="Of an e-mail, on one line")
    text = _text(
        mail.TEXT_MAX,
        required=False,
        allow_blank=True,
        help_text="Hi {{firstName|there}}: variables with or without a default, and {{snippet:name}}. Of a text "
        f"message at most {TEXT_MAX:,} characters. An e-mail without it gets one made of its HTML",
    )
    html = _text(
        mail.HTML_MAX,
        required=False,
        allow_blank=True,
        help_text="Of an e-mail. Without it, it is made of the text. Scripts, forms, frames and attachments are "
        "refused; pictures are linked by https",
    )


class TemplateInput(PartsInput):
    name = serializers.CharField(max_length=100, help_text=NAME)
    channel = serializers.ChoiceField(choices=CHANNELS, default=SMS, help_text="sms or email; it stays so")


class TemplateEdit(PartsInput):
    """What is not given stays as it was typed. Campaigns keep the text they have."""

    name = serializers.CharField(max_length=100, required=False, help_text=NAME)


class TemplatePreviewInput(PartsInput):
    channel = serializers.ChoiceField(choices=CHANNELS, default=SMS)
    leadId = IdField(required=False, help_text="Whose values; sample values where it is not said")


class TypedSerializer(serializers.Serializer[Any]):
    subject = serializers.CharField()
    text = serializers.CharField()
    html = serializers.CharField()


class VersionSerializer(CamelModelSerializer[TemplateVersion]):
    """As it is sent: with the snippets of when it was saved."""

    class Meta:
        model = TemplateVersion
        fields = ["id", "number", "subject", "text", "variables", "segments", "created_at"]


class FullVersionSerializer(VersionSerializer):
    typed = serializers.SerializerMethodField(help_text="The parts as they were typed, with snippets")

    class Meta(VersionSerializer.Meta):
        fields = ["id", "number", "subject", "text", "html", "typed", "variables", "segments", "created_at"]

    @extend_schema_field(TypedSerializer)
    def get_typed(self, version: TemplateVersion) -> Any:
        return TypedSerializer(typed_of(version)).data


class TemplateSerializer(CamelModelSerializer[Template]):
    """With its newest text: `latest` in the context, by template. A list leaves out the HTML."""

    version = serializers.SerializerMethodField(help_text="Its newest text")

    class Meta:
        model = Template
        fields = ["id", "name", "channel", "version", "created_at", "updated_at"]

    @extend_schema_field(VersionSerializer)
    def get_version(self, template: Template) -> Any:
        return VersionSerializer(self.context["latest"][template.pk]).data


class FullTemplateSerializer(TemplateSerializer):
    @extend_schema_field(FullVersionSerializer)
    def get_version(self, template: Template) -> Any:
        return FullVersionSerializer(self.context["latest"][template.pk]).data


class ShownSerializer(serializers.Serializer[Any]):
    subject = serializers.CharField(help_text="Of an e-mail")
    text = serializers.CharField(help_text="Empty where values are missing")
    html = serializers.CharField(help_text="Of an e-mail, as it would be sent")
    variables = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField(), help_text="Variables without value or default")
    segments = serializers.IntegerField(help_text="0 for an e-mail")
    encoding = serializers.CharField(help_text="gsm or ucs2; empty for an e-mail")
    gsm = serializers.CharField(help_text="The text with characters that fit into one segment more; empty: it does")
    bytes = serializers.IntegerField(help_text="Size of the HTML part; Gmail cuts off after 102 KB")
    warnings = serializers.ListField(child=serializers.CharField())


class SnippetEdit(StrictSerializer):
    name = serializers.CharField(
        max_length=snippets.NAME_MAX, required=False, help_text="signature: small letters, digits, hyphens"
    )
    text = _text(snippets.TEXT_MAX, required=False, help_text="With variables, without snippets")


class SnippetInput(SnippetEdit):
    name = serializers.CharField(max_length=snippets.NAME_MAX, help_text="{{snippet:signature}} is signature")
    text = _text(snippets.TEXT_MAX, help_text="With variables, without snippets")


class SnippetSerializer(CamelModelSerializer[Snippet]):
    class Meta:
        model = Snippet
        fields = ["id", "name", "text", "created_at", "updated_at"]
