"""Whether a person or a machine opened an e-mail or followed a link in it.

Providers and companies let machines fetch pictures and try links before a person reads: most opens and many clicks are
theirs. Three classes: a machine, where something says so; a person, where something says so; else unknown. What comes
later may change the class of what came before. Nothing ever acts on opens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

HUMAN, UNKNOWN, MACHINE = "human", "unknown", "machine"
TOO_SOON: Final = timedelta(seconds=10)  # after the provider took it, nobody has read it
BURST: Final = timedelta(seconds=2)  # in which nobody follows so many links
BURST_LINKS: Final = 3
AGAIN: Final = timedelta(seconds=60)  # a click so long after another is a reader who came back
NEAR: Final = timedelta(seconds=60)  # around a machine's click, others of its network are its own
# Parts of the names that programs give themselves: scanners of mail security, previews, libraries.
SCANNERS: Final = (
    "barracuda", "proofpoint", "mimecast", "safelinks", "urldefense", "bitdefender", "forcepoint", "fortiguard",
    "ironport", "cloudmark", "symantec", "trendmicro", "trend micro", "zscaler", "sophos", "mailscanner", "virustotal",
    "bingpreview", "existence discovery", "skypeuripreview", "slackbot", "facebookexternalhit", "whatsapp", "bot/",
    "bot ", "bot;", "crawler", "spider", "headless", "phantomjs", "curl/", "wget/", "python", "go-http-client",
    "okhttp", "java/", "libwww", "httpclient", "node-fetch", "axios", "scanner", "link checker", "scrapy",
)  # fmt: skip
METHODS: Final = ("HEAD", "OPTIONS")  # a reader's program asks with neither
GOOGLE, YAHOO = "googleimageproxy", "yahoomailproxy"  # their readers' pictures come through these alone
APPLE: Final = "mozilla/5.0"  # all that Apple's relay says of itself


class Verdict(NamedTuple):
    """kind: human, unknown, machine. why: what says so, as `Touch.why`; '': nothing does."""

    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. agent: the name that its program gives itself. after: how long after the message was accepted; None:
    it is not known to be. hidden: for the link that no person sees.
    """

    method: str
    agent: str
    is_open: bool = False
    hidden: bool = False
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A touch as its row has it. link None: it was opened. network: a hash, '' where it is forgotten."""

    id: int
    link: UUID | None
    at: datetime
    kind: str
    why: str
    network: str


def by_itself(asked: Asked, *, speed: float = 1) -> Verdict:
    """What one request tells. speed: of the clock that `after` is by."""
    agent = asked.agent.strip().casefold()
    if asked.hidden:
        return Verdict(MACHINE, "hidden_link")
    if asked.method.upper() in METHODS:
        return Verdict(MACHINE, "method")
    if GOOGLE in agent or YAHOO in agent:  # a click never comes through them
        return Verdict(UNKNOWN, "picture_proxy")
    if any(name in f"{agent} " for name in SCANNERS):
        return Verdict(MACHINE, "scanner")
    if asked.is_open:
        return Verdict(UNKNOWN, "apple_relay" if agent == APPLE else "")
    if asked.after is not None and asked.after < TOO_SOON * speed:
        return Verdict(MACHINE, "too_soon")
    return Verdict(UNKNOWN, "")


def together(marks: Sequence[Mark], *, speed: float = 1) -> dict[int, Verdict]:
    """What the touches of one message tell of each other: the new verdicts of those whose class changes, by id.

    1. Links followed in a burst were followed by a machine.
    2. So were those that its network followed around then.
    3. Of what is left, a click more than a minute after the first is a person's, unless a machine's network sent it.

    Opens change nothing and are not changed. A person whose landing page said so (`script`) stays one.
    """
    clicks = sorted((mark for mark in marks if mark.link is not None), key=lambda mark: mark.at)
    found = {mark.id: Verdict(mark.kind, mark.why) if mark.why != "again" else Verdict(UNKNOWN, "") for mark in clicks}
    for mark in _in_bursts(clicks, BURST * speed):
        if found[mark.id] == Verdict(UNKNOWN, ""):
            found[mark.id] = Verdict(MACHINE, "burst")
    machines = [mark for mark in clicks if found[mark.id].kind == MACHINE and mark.network]
    for mark in clicks:
        near = any(one.network == mark.network and abs(one.at - mark.at) <= NEAR * speed for one in machines)
        if near and found[mark.id] == Verdict(UNKNOWN, ""):
            found[mark.id] = Verdict(MACHINE, "same_network")
    theirs = {mark.network for mark in machines}
    left = [mark for mark in clicks if found[mark.id].kind != MACHINE]
    for mark in left[1:]:
        late = mark.at - left[0].at > AGAIN * speed
        if late and found[mark.id].kind == UNKNOWN and (not mark.network or mark.network not in theirs):
            found[mark.id] = Verdict(HUMAN, "again")
    return _changes(clicks, found)


def _in_bursts(clicks: Sequence[Mark], span: timedelta) -> list[Mark]:
    """clicks: by time."""
    caught: dict[int, Mark] = {}
    for number, first in enumerate(clicks):
        inside = []
        for mark in clicks[number:]:
            if mark.at - first.at > span:
                break
            inside.append(mark)
        if len({mark.link for mark in inside}) >= BURST_LINKS:
            caught |= {mark.id: mark for mark in inside}
    return list(caught.values())


def _changes(clicks: Sequence[Mark], found: Mapping[int, Verdict]) -> dict[int, Verdict]:
    return {mark.id: found[mark.id] for mark in clicks if found[mark.id] != Verdict(mark.kind, mark.why)}
