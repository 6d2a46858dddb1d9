"""The addresses that a company's e-mails leave from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import How, idempotent
from campaigns.api.base import CampaignView
from campaigns.api.senders import NO_SELLER
from campaigns.models import MailSender
from campaigns.setup.mail_senders import (
    add_mail_sender,
    change_mail_sender,
    check_mail_sender,
    lack,
    retire_mail_sender,
)
from common.api.base import not_found, ok
from common.api.lists import ListOf
from common.api.schema import answer, refusal
from common.api.serializers import CamelModelSerializer, Nothing, StrictSerializer, WholeField


class MailSenderEdit(StrictSerializer):
    name = serializers.CharField(max_length=100, required=False, help_text="Who writes, as the recipient sees it")
    dkimSelector = serializers.CharField(
        source="dkim_selector", max_length=63, allow_blank=True, required=False, help_text="The mail provider shows it"
    )
    warmUpFrom = serializers.DateField(
        source="warm_up_from", required=False, allow_null=True, help_text="First day of its warm-up; null: it is warm"
    )
    dailyLimit = WholeField(
        source="daily_limit", min_value=1, max_value=1_000_000, required=False, allow_null=True, help_text="E-mails"
    )


class MailSenderInput(MailSenderEdit):
    name = serializers.CharField(max_length=100, help_text="Who writes, as the recipient sees it")
    address = serializers.CharField(max_length=254, help_text="jane@mail.example.com, of the company's own domain")


class MailSenderSerializer(CamelModelSerializer[MailSender]):
    sellerId = serializers.UUIDField(source="seller_id", read_only=True)
    checks = serializers.DictField(
        child=serializers.CharField(),
        read_only=True,
        help_text="spf, dkim, dmarc: ok, or what is wrong; empty: not yet",
    )
    lack = serializers.SerializerMethodField(help_text="Why no campaign may send from it; empty: it may")

    class Meta:
        model = MailSender
        fields = [
            "id", "sellerId", "name", "address", "dkim_selector", "checks", "checked_at", "lack", "warm_up_from",
            "daily_limit", "retired_at", "created_at",
        ]  # fmt: skip

    def get_lack(self, sender: MailSender) -> str:
        return lack(sender)


class _View(CampaignView):
    def mail_sender(self, sender_id: UUID) -> MailSender:
        rows = MailSender.objects.select_related("seller").filter(seller__team_id=self.access.team_id)
        found = rows.filter(pk=sender_id).first()
        if found is None:
            raise not_found("address to send from")
        return found

    @staticmethod
    def shown(sender: MailSender) -> Any:
        return MailSenderSerializer(sender).data


MAIL_SENDERS = ListOf("mailSenders", MailSenderSerializer)


class MailSendersView(_View):
    scopes = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="listMailSenders",
        summary="My company's addresses, newest first; retired ones too",
        parameters=[MAIL_SENDERS.query],
        responses=MAIL_SENDERS.answer("MailSenderPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(MAIL_SENDERS.query)
        mine = MailSender.objects.filter(seller__team_id=self.access.team_id)
        return MAIL_SENDERS.respond(self, mine, query=query)

    @extend_schema(
        operation_id="addMailSender",
        summary="Add an address to send from",
        request=MailSenderInput,
        responses={201: answer("MailSenderMade", mailSender=MailSenderSerializer()), 409: NO_SELLER},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(MailSenderInput)
        return ok(201, mailSender=self.shown(add_mail_sender(by=self.user, seller=self.seller(), **given)))


class MailSenderView(_View):
    scopes = {"PATCH": Scope.MANAGE, "DELETE": Scope.MANAGE}

    @extend_schema(
        operation_id="getMailSender",
        summary="An address",
        responses=answer("MailSenderAnswer", mailSender=MailSenderSerializer()),
    )
    def get(self, request: Request, mail_sender_id: UUID) -> Response:
        return ok(mailSender=self.shown(self.mail_sender(mail_sender_id)))

    @extend_schema(
        operation_id="changeMailSender",
        summary="Its name, selector, warm-up, limit",
        request=MailSenderEdit,
        responses=answer("MailSenderChanged", mailSender=MailSenderSerializer()),
    )
    def patch(self, request: Request, mail_sender_id: UUID) -> Response:
        changes = self.body(MailSenderEdit)
        sender = change_mail_sender(sender=self.mail_sender(mail_sender_id), by=self.user, changes=changes)
        return ok(mailSender=self.shown(sender))

    @extend_schema(
        operation_id="retireMailSender",
        summary="Use it no more",
        responses={
            200: answer("MailSenderRetired", mailSender=MailSenderSerializer()),
            409: refusal("A campaign that is not over sends from it"),
        },
    )
    def delete(self, request: Request, mail_sender_id: UUID) -> Response:
        return ok(mailSender=self.shown(retire_mail_sender(sender=self.mail_sender(mail_sender_id), by=self.user)))


class CheckMailSenderView(_View):
    scopes = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="checkMailSender",
        summary="Ask the DNS whether its domain is set up right: SPF, DKIM, DMARC",
        request=Nothing,
        responses={
            200: answer("MailSenderChecked", mailSender=MailSenderSerializer()),
            409: refusal("NO_ANSWER: its name servers did not answer"),
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, mail_sender_id: UUID) -> Response:
        self.body(Nothing)
        return ok(mailSender=self.shown(check_mail_sender(sender=self.mail_sender(mail_sender_id), by=self.user)))
