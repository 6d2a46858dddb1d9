"""Campaigns: looked at, tried dry, approved, launched, stopped."""

from __future__ import annotations

from typing import Any

import click

from cli.buckets import of
from cli.client import UNASKED, Failed, part
from cli.printing import show, show_rows

_SHOWN = ("id", "name", "status", "channel", "members", "createdAt")


@click.group()
def campaign() -> None:
    """Campaigns of my team: list, show, preview, approve, launch, pause, resume, cancel, results."""


@campaign.command("list")
@click.option("--status", help="draft, running, paused …")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.pass_obj
def list_(options: dict[str, Any], status: str | None, limit: int) -> None:
    """My team's campaigns, newest first.

    \b
    bucket campaign list --status running
    """
    show_rows(of(options).rows("/api/campaigns", "campaigns", {"status": status}, most=limit), _SHOWN, options["form"])


@campaign.command("show")
@click.argument("campaign_id")
@click.pass_obj
def show_one(options: dict[str, Any], campaign_id: str) -> None:
    """One campaign.

    \b
    bucket campaign show 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203
    """
    show(of(options).get(f"/api/campaigns/{part(campaign_id)}")["campaign"], options["form"])


@campaign.command()
@click.argument("campaign_id")
@click.option("--make", is_flag=True, help="A new dry run; nothing is sent, nothing is paid")
@click.pass_obj
def preview(options: dict[str, Any], campaign_id: str, make: bool) -> None:  # noqa: FBT001
    """What a campaign would do, by its latest dry run; its digest is what is approved.

    \b
    bucket campaign preview 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203 --make
    """
    path = f"/api/campaigns/{part(campaign_id)}/preview"
    told = of(options).ask("POST", path, body={}) if make else of(options).get(path, {"limit": 1})
    show(told["preview"], options["form"])


@campaign.command()
@click.argument("campaign_id")
@click.option("--digest", required=True, help="Of the dry run that you have read")
@click.pass_obj
def approve(options: dict[str, Any], campaign_id: str, digest: str) -> None:
    """Approve exactly what a dry run says.

    \b
    bucket campaign approve 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203 --digest 5f2c…
    """
    told = of(options).ask("POST", f"/api/campaigns/{part(campaign_id)}/approve", body={"digest": digest})
    show(told["campaign"], options["form"], _SHOWN)


def _deed(name: str, words: str, *, contacts: bool) -> click.Command:
    """A command that posts to the address of its name. contacts: owners are contacted and messages paid by it."""

    @click.argument("campaign_id")
    @click.option("--yes", is_flag=True, hidden=not contacts, help="Contact owners and pay for the messages")
    @click.pass_obj
    def deed(options: dict[str, Any], campaign_id: str, yes: bool) -> None:  # noqa: FBT001
        if contacts and not yes:
            raise Failed(f"`{name}` contacts owners and pays for messages: say --yes.", UNASKED)
        told = of(options).ask("POST", f"/api/campaigns/{part(campaign_id)}/{name}", body={})
        show(told["campaign"], options["form"], _SHOWN)

    example = f"bucket campaign {name} 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203{' --yes' if contacts else ''}"
    deed.__doc__ = f"{words}\n\n\b\n{example}"
    return click.command(name)(deed)


@campaign.command()
@click.argument("campaign_id")
@click.pass_obj
def results(options: dict[str, Any], campaign_id: str) -> None:
    """What came of a campaign.

    \b
    bucket campaign results 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203
    """
    show(of(options).get(f"/api/campaigns/{part(campaign_id)}/results")["results"], options["form"])


campaign.add_command(_deed("launch", "Launch what was approved.", contacts=True))
campaign.add_command(_deed("resume", "Resume it.", contacts=True))
campaign.add_command(_deed("pause", "Pause it: nothing more leaves.", contacts=False))
campaign.add_command(_deed("cancel", "Cancel it for good.", contacts=False))
