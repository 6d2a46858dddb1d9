"""Templates and their versions: a text is checked when it is saved, and never changed after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.audit import record
from accounts.models import User
from campaigns.locks import lock_template
from campaigns.models import Link, Template, TemplateVersion
from campaigns.planning.refusals import CampaignError
from campaigns.rules.segments import MOST, segments
from campaigns.rules.templates import BadTemplate, parse, render, with_snippets, without_snippets
from campaigns.rules.templates import Template as Parsed
from campaigns.texts.mail import HIDDEN, Mail, check_mail, uses_snippets
from campaigns.texts.samples import SAMPLE_VALUES
from campaigns.texts.snippets import snippets_of

NAME_MAX = 100
TEXT_MAX = 1_600  # characters: more than MOST segments in any encoding


def checked(text: str, field: str = "text", snippets: Mapping[str, str] | None = None) -> Parsed:
    """The text read, snippets put in, its lines ended as a message ends them. Raises CampaignError that names the field
    and says where it is wrong.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # a form posts them as \r\n: a septet more for each
    if not text.strip():
        raise CampaignError("INVALID", "Write a text.", field)
    if "\x00" in text:
        raise CampaignError("INVALID", "The text holds a character that no message can.", field)
    if len(text) > TEXT_MAX:
        raise CampaignError("INVALID", f"The text is longer than {TEXT_MAX:,} characters.", field)
    try:
        parse(without_snippets(text))
        return parse(with_snippets(text, snippets or {}))
    except BadTemplate as error:
        raise CampaignError("INVALID", error.words, field, more={"position": error.position}) from error


SMS, EMAIL = CHANNELS = ("sms", "email")
PARTS: Final = ("subject", "text", "html")


@dataclass(frozen=True, slots=True)
class Said:
    """What a version keeps: the texts as they are sent, and as they were typed; links are of e-mails alone."""

    subject: str
    text: str
    html: str
    variables: list[str]
    typed: Mapping[str, str]
    segments: int | None = None
    links: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        digest = sha256("\0".join((self.subject, self.text, self.html)).encode()).hexdigest()
        return {
            "subject": self.subject, "text": self.text, "html": self.html, "variables": self.variables,
            "typed": dict(self.typed), "segments": self.segments, "digest": digest,
        }  # fmt: skip


def said(channel: str, team_id: int | None, parts: Mapping[str, str]) -> Said:
    """The texts of a template of this channel, checked. parts: those of PARTS that it has. Raises CampaignError."""
    snippets = snippets_of(team_id)
    if channel == EMAIL:
        mail = check_mail(parts.get("subject", ""), parts.get("text", ""), parts.get("html", ""), snippets)
        return _of_mail(mail)
    if channel != SMS:
        raise CampaignError("INVALID", "A template is for text messages or e-mails.", "channel")
    for part in ("subject", "html"):
        if parts.get(part, "").strip():
            raise CampaignError("INVALID", "A text message has none.", part)
    typed = parts.get("text", "")
    parsed = checked(typed, snippets=snippets)
    sample = render(parsed, SAMPLE_VALUES)
    many = segments(sample).count if isinstance(sample, str) else None
    if many is not None and many > MOST:
        raise CampaignError("INVALID", f"It takes {many} segments with sample values; the most is {MOST}.", "text")
    kept = {"text": typed} if uses_snippets(typed) else {}
    return Said("", parsed.text, "", list(parsed.variables), kept, many)


def _of_mail(mail: Mail) -> Said:
    return Said(mail.subject.text, mail.text.text, mail.html.text, mail.variables, mail.typed, None, mail.links)


def create_template(
    *, by: User, team_id: int, name: str, text: str = "", channel: str = SMS, subject: str = "", html: str = ""
) -> tuple[Template, TemplateVersion]:
    """A new template with its first version. Raises CampaignError: `subject`, `text`, `html` (position, did you mean),
    `name`.
    """
    kept = said(channel, team_id, {"subject": subject, "text": text, "html": html})
    if Template.objects.filter(team_id=team_id).count() >= settings.TEAM_TEMPLATES_MAX:
        words = f"Your team has {settings.TEAM_TEMPLATES_MAX:,} templates, the most there can be: delete one first."
        raise CampaignError("TOO_MANY_TEMPLATES", words)
    template = Template(owner=by, team_id=team_id, name=_name(name), channel=channel)
    with _once_per_team():
        template.save(force_insert=True)
        version = _add_version(template, 1, kept, by)
        after = {"channel": channel, "segments": version.segments, "variables": version.variables}
        record("template.created", by=by, team_id=team_id, about=template, name=template.name, after=after)
    return template, version


def change_template(
    *, template: Template, by: User, name: str | None = None, **parts: str | None
) -> tuple[Template, TemplateVersion]:
    """Another name; another subject, text or html as the next version; the same ones make none, unless a snippet says
    something else by now. A part that is not given stays as it was typed. Campaigns keep the version they have.

    Raises CampaignError.
    """
    given = {part: value for part, value in parts.items() if part in PARTS and value is not None}
    with _once_per_team():
        locked = lock_template(template.pk)
        if locked is None:
            raise CampaignError("NOT_FOUND", "The template is gone.")
        latest = locked.versions.order_by("-number")[0]
        kept = said(locked.channel, locked.team_id, {**typed_of(latest), **given}) if given else None
        fields = []
        if name is not None and _name(name) != locked.name:
            locked.name = _name(name)
            fields.append("name")
        if kept is not None and any(kept.columns[part] != getattr(latest, part) for part in (*PARTS, "typed")):
            fields += [part for part in PARTS if kept.columns[part] != getattr(latest, part)] or ["typed"]
            latest = _add_version(locked, latest.number + 1, kept, by)
        if fields:
            locked.save()
            after = {"fields": fields, "version": latest.number}
            record("template.changed", by=by, team_id=locked.team_id, about=locked, name=locked.name, after=after)
    return locked, latest


def typed_of(version: TemplateVersion) -> dict[str, str]:
    """The parts as they were typed: what a form begins with."""
    return {part: version.typed.get(part, "" if version.typed else getattr(version, part)) for part in PARTS}


def delete_template(*, template: Template, by: User) -> None:
    """Raises CampaignError IN_USE where a campaign uses one of its versions."""
    about, name, team_id = ("template", template.pk), template.name, template.team_id
    try:
        with transaction.atomic():
            if template.delete()[0]:  # by two at once: once
                record("template.deleted", by=by, team_id=team_id, about=about, name=name)
    except ProtectedError as error:
        raise CampaignError("IN_USE", "A campaign uses this template: it stays with it.") from error


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_MAX or "\x00" in name:
        raise CampaignError("INVALID", f"A name has 1 to {NAME_MAX} characters.", "name")
    return name


@contextmanager
def _once_per_team() -> Iterator[None]:
    """A transaction; that the team has a template of this name already is said in words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "template_once_per_team" not in str(error):
            raise
        raise CampaignError("INVALID", "Your team has a template of this name.", "name") from error


def _add_version(template: Template, number: int, kept: Said, by: User) -> TemplateVersion:
    version = TemplateVersion.objects.create(template=template, number=number, by_id=by.pk, **kept.columns)
    if template.channel == EMAIL:
        Link.objects.bulk_create(Link(version=version, url=url) for url in (*kept.links, HIDDEN))
    return version
