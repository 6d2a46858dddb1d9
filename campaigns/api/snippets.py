"""Snippets: the company's words that many templates have in common."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from campaigns.api.base import CampaignView
from campaigns.api.template_serializers import SnippetEdit, SnippetInput, SnippetSerializer
from campaigns.models import Snippet
from campaigns.texts.snippets import add_snippet, change_snippet, delete_snippet
from common.api.base import not_found, ok
from common.api.lists import ListOf
from common.api.schema import answer, refusal

SNIPPETS = ListOf("snippets", SnippetSerializer, sorts={"createdAt": "pk", "name": "name"})


class SnippetsView(CampaignView):
    @extend_schema(
        operation_id="listSnippets",
        summary="My company's snippets, newest first",
        parameters=[SNIPPETS.query],
        responses=SNIPPETS.answer("SnippetPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(SNIPPETS.query)
        mine = Snippet.objects.filter(seller__team_id=self.access.team_id, seller__replaced_at__isnull=True)
        return SNIPPETS.respond(self, mine, query=query)

    @extend_schema(
        operation_id="addSnippet",
        summary="Words for many templates: {{snippet:name}}",
        request=SnippetInput,
        responses={
            201: answer("SnippetMade", snippet=SnippetSerializer()),
            409: refusal("The company profile is not set up, or it has too many snippets"),
        },
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(SnippetInput)
        snippet = add_snippet(by=self.user, seller=self.seller(), **given)
        return ok(201, snippet=SnippetSerializer(snippet).data)


class SnippetView(CampaignView):
    @extend_schema(
        operation_id="getSnippet", summary="A snippet", responses=answer("SnippetAnswer", snippet=SnippetSerializer())
    )
    def get(self, request: Request, snippet_id: UUID) -> Response:
        return ok(snippet=SnippetSerializer(self._snippet(snippet_id)).data)

    @extend_schema(
        operation_id="changeSnippet",
        summary="Another name or text; saved templates keep what it said",
        request=SnippetEdit,
        responses=answer("SnippetChanged", snippet=SnippetSerializer()),
    )
    def patch(self, request: Request, snippet_id: UUID) -> Response:
        changed = change_snippet(snippet=self._snippet(snippet_id), by=self.user, **self.body(SnippetEdit))
        return ok(snippet=SnippetSerializer(changed).data)

    @extend_schema(
        operation_id="deleteSnippet",
        summary="Delete it; saved templates keep what it said",
        responses={200: answer("SnippetDeleted", id=serializers.UUIDField())},
    )
    def delete(self, request: Request, snippet_id: UUID) -> Response:
        delete_snippet(snippet=self._snippet(snippet_id), by=self.user)
        return ok(id=snippet_id)

    def _snippet(self, snippet_id: UUID) -> Snippet:
        rows = Snippet.objects.select_related("seller").filter(seller__team_id=self.access.team_id)
        found = rows.filter(pk=snippet_id, seller__replaced_at__isnull=True).first()
        if found is None:
            raise not_found("snippet")
        return found
