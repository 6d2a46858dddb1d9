"""A made-up name server, for what domains say of their mail (SPF, DKIM, DMARC): UDP on the loopback.

Of each domain under example.com and example.net everything is right, unless its name says otherwise:
no-spf.example.com, no-dkim.…, no-dmarc.…, weak-spf.… (+all), p-none.…, two-spf.…, nxdomain.…, servfail.…
"""

import re
import socketserver
from threading import Thread
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

HOST = "127.0.0.1"
TTL = 60
KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA" + "A" * 300 + "IDAQAB"
_OURS = re.compile(r"(?:^|\.)example\.(?:com|net|org)$")


class NameServer:
    """Answers until it is stopped."""

    def __init__(self, port: int = 0) -> None:
        self._server = socketserver.ThreadingUDPServer((HOST, port), _Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="sandbox-dns", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._server.server_address[1]
        return port

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, socket = self.request
        question = dns.message.from_wire(data)
        socket.sendto(_answered(question).to_wire(), self.client_address)


def _answered(question: Any) -> Any:
    answer = dns.message.make_response(question)
    answer.flags |= dns.flags.AA | dns.flags.RA
    asked = question.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower()
    if "servfail." in name:
        answer.set_rcode(dns.rcode.SERVFAIL)
        return answer
    if "nxdomain." in name or not _OURS.search(name):
        answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
    if asked.rdtype == dns.rdatatype.TXT:
        texts = texts_of(name)
        if texts:
            quoted = [" ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) for text in texts]
            answer.answer.append(dns.rrset.from_text(asked.name, TTL, "IN", "TXT", *quoted))
    return answer


def texts_of(name: str) -> list[str]:
    """The TXT records of a name."""
    if name.startswith("_dmarc."):
        if "no-dmarc." in name or name.count(".") == 2:  # else the domain above would speak for each
            return []
        return ["v=DMARC1; p=none" if "p-none." in name else "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com"]
    if "._domainkey." in name:
        return [] if "no-dkim." in name else [f"v=DKIM1; k=rsa; p={KEY}"]
    if "no-spf." in name:
        return ["google-site-verification=made-up"]
    if "weak-spf." in name:
        return ["v=spf1 +all"]
    right = "v=spf1 include:_spf.example.com ~all"
    return [right, "v=spf1 -all"] if "two-spf." in name else [right, "google-site-verification=made-up"]
