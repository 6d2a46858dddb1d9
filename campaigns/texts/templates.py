"""Templates and their versions: a text is checked when it is saved, and never changed after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.audit import record
from accounts.models import User
from campaigns.locks import lock_template
from campaigns.models import Template, TemplateVersion
from campaigns.planning.refusals import CampaignError
from campaigns.rules.segments import MOST, segments
from campaigns.rules.templates import BadTemplate, parse, render
from campaigns.rules.templates import Template as Parsed
from campaigns.texts.samples import SAMPLE_VALUES

NAME_MAX = 100
TEXT_MAX = 1_600  # characters: more than MOST segments in any encoding


def checked(text: str, field: str = "text") -> Parsed:
    """The text read, its lines ended as a message ends them. Raises CampaignError that names the field and says where
    it is wrong.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # a form posts them as \r\n: a septet more for each
    if not text.strip():
        raise CampaignError("INVALID", "Write a text.", field)
    if "\x00" in text:
        raise CampaignError("INVALID", "The text holds a character that no message can.", field)
    if len(text) > TEXT_MAX:
        raise CampaignError("INVALID", f"The text is longer than {TEXT_MAX:,} characters.", field)
    try:
        return parse(text)
    except BadTemplate as error:
        raise CampaignError("INVALID", error.words, field, more={"position": error.position}) from error


def create_template(*, by: User, team_id: int, name: str, text: str) -> tuple[Template, TemplateVersion]:
    """A new template with its first version. Raises CampaignError: `text` (position, did you mean), `name`."""
    parsed = checked(text)
    if Template.objects.filter(team_id=team_id).count() >= settings.TEAM_TEMPLATES_MAX:
        words = f"Your team has {settings.TEAM_TEMPLATES_MAX:,} templates, the most there can be: delete one first."
        raise CampaignError("TOO_MANY_TEMPLATES", words)
    template = Template(owner=by, team_id=team_id, name=_name(name), channel="sms")
    with _once_per_team():
        template.save(force_insert=True)
        version = _add_version(template, 1, parsed, by)
        after = {"segments": version.segments, "variables": version.variables}
        record("template.created", by=by, team_id=team_id, about=template, name=template.name, after=after)
    return template, version


def change_template(
    *, template: Template, by: User, name: str | None = None, text: str | None = None
) -> tuple[Template, TemplateVersion]:
    """Another name, another text as the next version; the same text makes none. Campaigns keep the version they have.

    Raises CampaignError.
    """
    parsed = checked(text) if text is not None else None
    with _once_per_team():
        locked = lock_template(template.pk)
        if locked is None:
            raise CampaignError("NOT_FOUND", "The template is gone.")
        latest = locked.versions.order_by("-number")[0]
        fields = []
        if name is not None and _name(name) != locked.name:
            locked.name = _name(name)
            fields.append("name")
        if parsed is not None and parsed.text != latest.text:
            latest = _add_version(locked, latest.number + 1, parsed, by)
            fields.append("text")
        if fields:
            locked.save()
            after = {"fields": fields, "version": latest.number}
            record("template.changed", by=by, team_id=locked.team_id, about=locked, name=locked.name, after=after)
    return locked, latest


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


def _add_version(template: Template, number: int, parsed: Parsed, by: User) -> TemplateVersion:
    sample = render(parsed, SAMPLE_VALUES)
    many = segments(sample).count if isinstance(sample, str) else None
    if many is not None and many > MOST:
        raise CampaignError("INVALID", f"It takes {many} segments with sample values; the most is {MOST}.", "text")
    return TemplateVersion.objects.create(
        template=template,
        number=number,
        text=parsed.text,
        variables=list(parsed.variables),
        digest=sha256(f"\x00{parsed.text}\x00".encode()).hexdigest(),
        segments=many,
        by_id=by.pk,
    )
