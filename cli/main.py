"""The entry point: options that every command takes, and the commands."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click
from click.shell_completion import get_completion_class

from cli import buckets, campaigns, leads
from cli.client import Failed, server
from cli.printing import FORMATS, show

SHELLS = ("bash", "zsh", "fish")


class _Program(click.Group):
    """A reader that closes the pipe (`| head`) has what it wanted. click's own `main` would call it a failure."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(0) from None


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--url", help="Address of the server; BUCKET_URL. Default http://127.0.0.1:8000")
@click.option("--team", help="The team's id, for who is in several; BUCKET_TEAM")
@click.option(
    "-o", "--output", "form", type=click.Choice(FORMATS), default=None, help="Default: table; jsonl in a pipe"
)
@click.pass_context
def bucket(context: click.Context, url: str | None, team: str | None, form: str | None) -> None:
    """Leads of properties, from a shell: over HTTP, as your API token may (BUCKET_TOKEN).

    \b
    export BUCKET_URL=https://buckets.example BUCKET_TOKEN=…
    bucket search state=WA county=King absentee_owner=true | bucket save "King absentees"
    bucket enrich "King absentees" --max-cost 25 --wait
    bucket leads --filter equityPercentMin=50 --filter hasPhone=true --sort=-estimatedEquity

    Exit status: 0 done, 1 refused (the API's words), 2 a wrong argument, 3 the server is away, 4 it would have
    cost money and nobody said yes.
    """
    if context.resilient_parsing:
        return
    context.obj = {"url": url, "team": team, "form": form or ("table" if sys.stdout.isatty() else "jsonl")}


@bucket.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """What a shell needs to complete commands and options.

    \b
    bash: eval "$(bucket completion bash)"
    zsh:  eval "$(bucket completion zsh)"
    fish: bucket completion fish | source
    """
    kind: Any = get_completion_class(shell)
    script: str = kind(bucket, {}, "bucket", "_BUCKET_COMPLETE").source()
    if shell == "zsh":  # whose completion is off until somebody turns it on
        begins = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }"
        script = script.replace("    compdef _bucket", f"    {begins}\n    compdef _bucket")
    click.echo(script)


@bucket.command()
@click.argument("method", type=click.Choice(["GET", "POST", "PUT", "PATCH", "DELETE"], case_sensitive=False))
@click.argument("path")
@click.option("--data", help="The body, as JSON; - reads it from stdin")
@click.option("--key", help="Idempotency-Key: a repeat under it does nothing again")
@click.option("--yes", is_flag=True, help="Also what may cost money")
@click.pass_obj
def api(options: dict[str, Any], method: str, path: str, data: str | None, key: str | None, yes: bool) -> None:  # noqa: FBT001  # click's
    """Any address of the API, by its path. What may cost money needs --yes.

    \b
    bucket api GET /api/usage
    bucket api POST /api/tags --data '{"name": "hot"}' --key hot-1
    """
    text = sys.stdin.read() if data == "-" else data
    try:
        body = json.loads(text) if text else None
    except ValueError as error:
        raise Failed(f"--data is not JSON: {error}", 2) from None
    if buckets.may_cost(method.upper(), path, body) and not yes:
        raise Failed("This may cost money: say --yes, or use `bucket enrich --max-cost`.", 4)
    headers = {"Idempotency-Key": key} if key else None
    told = server(options["url"], None, options["team"]).ask(method.upper(), path, body=body, headers=headers)
    show(told, "json" if options["form"] == "table" else options["form"])


for command in (*buckets.COMMANDS, *leads.COMMANDS, campaigns.campaign):
    bucket.add_command(command)


def main() -> None:
    """The program. A closed pipe (`| head`) is no error; a file that cannot be read or written is one line."""
    try:
        status = bucket(prog_name="bucket", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else it is said again on the way out
        sys.exit(0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except OSError as error:
        click.echo(f"bucket: {error.filename or 'Output'}: {error.strerror or error}", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
