"""One vendor account: where the vendor is, with which key, and how long to wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from integrations.vendors import http, statuses
from integrations.vendors.contract import Adapter, Query
from integrations.vendors.errors import InDoubt, Misconfigured, VendorFailure
from integrations.vendors.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Account:
    """What it takes to call a vendor. The key is never shown.

    title is the vendor's name for people; address_variable, key_variable: what the environment calls base URL and key.
    account: the account's own id, where the vendor wants one (account_variable). Timeouts are in seconds, max_bytes in
    decoded bytes.
    """

    vendor: str
    title: str
    address_variable: str
    key_variable: str
    base_url: str
    key: str = field(repr=False)
    connect_timeout: float
    read_timeout: float
    deadline: float
    max_bytes: int
    account: str = ""
    account_variable: str = ""

    @property
    def lacks(self) -> tuple[str, str] | None:
        """What is missing before it can be asked, and the variable that sets it; None: nothing is."""
        if not self.key:
            return "no key", self.key_variable
        if self.account_variable and not self.account:
            return "no account", self.account_variable
        if not self.base_url:
            return "no address", self.address_variable
        return None

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        json: object = None,
        form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> HttpRequest:
        """A request of this account. Raises Misconfigured where the environment lacks the key or the base URL."""
        if self.lacks:
            raise Misconfigured(f"{self.lacks[1]} is not set: {self.title} cannot be asked.")
        url = self.base_url.rstrip("/") + path
        return HttpRequest(method=method, url=url, headers=headers, json=json, form=form or {}, params=params or {})

    def send(self, request: HttpRequest, *, paid: bool = True) -> HttpResponse:
        """Sends it, whatever the answer's status. Raises NotSent, InDoubt or Misconfigured.

        paid: a call that costs nothing is never in doubt; without an answer it has only failed.
        """
        try:
            return http.send(
                request,
                connect_timeout=self.connect_timeout,
                read_timeout=self.read_timeout,
                deadline=self.deadline,
                max_bytes=self.max_bytes,
            )
        except InDoubt as failure:
            if paid:
                raise
            reason = failure.reason
        raise VendorFailure(reason)

    def check(
        self,
        request: HttpRequest,
        response: HttpResponse,
        *,
        paid: bool = True,
        status: int | None = None,
        batch: bool = False,
    ) -> None:
        """Raises the VendorFailure the answer stands for, if it does. See `statuses.raise_for_failure`."""
        statuses.raise_for_failure(response, request=request, vendor=self.title, paid=paid, status=status, batch=batch)

    def body(self, response: HttpResponse, *, paid: bool, personal: bool = False) -> Any:
        """The answer's JSON. Raises where it is none: see `statuses.no_answer`."""
        try:
            return response.json()
        except ValueError:
            pass
        raise statuses.no_answer(response, vendor=self.title, paid=paid, personal=personal)


def from_settings(
    vendor: str, *, title: str, address_variable: str, key_variable: str, account_variable: str = ""
) -> Account:
    """The account as the settings have it at this moment."""
    place = settings.VENDORS[vendor]
    return Account(
        vendor=vendor,
        title=title,
        address_variable=address_variable,
        key_variable=key_variable,
        base_url=place["base_url"].strip(),
        key=place["key"].strip(),
        connect_timeout=settings.VENDOR_CONNECT_TIMEOUT,
        read_timeout=settings.VENDOR_READ_TIMEOUT,
        deadline=settings.VENDOR_DEADLINE,
        max_bytes=settings.VENDOR_MAX_BYTES,
        account=place.get("account", "").strip(),
        account_variable=account_variable,
    )


def check_batch(adapter: Adapter, queries: Sequence[Query]) -> None:
    """Raises ValueError where a request would hold no input or more than the vendor takes."""
    if not 1 <= len(queries) <= adapter.largest_batch:
        raise ValueError(
            f"A request of {adapter.operation} holds 1 to {adapter.largest_batch} inputs, not {len(queries)}."
        )
