"""Starting the sandbox from a shell: the module without Django, and the management command."""

import ast
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from sandbox import Sandbox, SandboxConfig
from sandbox.cli import main
from tests.sandbox.helpers import KEYS

ROOT = Path(__file__).resolve().parents[2]
MODULE = [sys.executable, "-m", "sandbox"]
# A settings module is the product's business; the command needs none of it.
COMMAND = [
    sys.executable,
    "-c",
    "import sys, django; from django.conf import settings; settings.configure(INSTALLED_APPS=['devtools']); "
    "django.setup(); from django.core.management import execute_from_command_line as run; "
    "run(['manage.py', 'sandbox', *sys.argv[1:]])",
]
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}


@contextmanager
def started(*command: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The ready line of a started sandbox, and its process."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline(), process
    finally:
        process.kill()
        process.communicate(timeout=60)


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.long
@pytest.mark.parametrize("command", [MODULE, COMMAND], ids=["module", "command"])
def test_it_says_when_it_is_ready_serves_and_leaves_quietly_on_ctrl_c(command: list[str]) -> None:
    flags = ["--port", "0", "--generate", "500", "--pace", "property_detail=1", "--price", "property_search_row=0.5"]
    with started(*command, *flags, "--fault", "autocomplete:503", "--seed", "3") as (line, process):
        match = re.match(
            r"sandbox ready: 500 parcels realestateapi=(http://127\.0\.0\.1:\d+)/realestateapi signalhouse=", line
        )
        assert match, line
        base, key = match[1], KEYS["realestateapi"]

        def ask(endpoint: str, **body: object) -> int:
            url = f"{base}/realestateapi/v2/{endpoint}"
            return requests.post(url, json=body, headers=key, timeout=60).status_code

        assert ask("PropertySearch", size=2) == 200
        assert [ask("PropertyDetail", id=5) for _ in range(2)] == [404, 429]
        assert ask("AutoComplete", search="seattle") == 503
        assert requests.get(f"{base}/sandbox/ledger", timeout=60).json()["billed"] == "1"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--pace", "wishes=3"], "--pace wishes=3: OPERATION=N"),
        (["--pace", "skip_trace=fast"], "--pace skip_trace=fast"),
        (["--price", "skip_trace=NaN"], "--price skip_trace=NaN: UNIT=US dollars"),
        (["--price", "skip_trace=-1"], "--price skip_trace=-1"),
        (["--fault", "skip_trace:flood"], "unknown kind 'flood'"),
        (["--envelope", "2027"], "--envelope 2027: capture or 2026 or published"),
        (["--generate", "0"], "--generate 0: at least 1"),
        (["--port", "70000"], "--port 70000: not a port"),
        (["--port", "x"], "invalid int value"),
        (["--callback", "https://buckets.example.com"], "--callback https://buckets.example.com: not on this machine"),
        (["--clock", "2026-09-15T15:00/20"], "--clock 2026-09-15T15:00/20: START/SPEED"),
        (["--texts", "shout"], "--texts shout: unknown script 'shout'"),
        (["--parcels", "/nowhere/parcels.csv"], "/nowhere/parcels.csv"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
    ],
)
def test_a_bad_flag_is_one_line_and_exit_code_1(
    flags: list[str], text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert main(flags) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith("sandbox: ")) == ("", 1, True)
    assert text in err


@pytest.mark.parametrize("flags", [["--pace", "wishes=3"], ["--colour", "red"]])
def test_the_management_command_says_it_in_one_line_too(flags: list[str]) -> None:
    result = run(*COMMAND, *flags)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith("sandbox: ")


def test_the_commands_help_has_an_example_that_can_be_read() -> None:
    result = run(*COMMAND, "--help")
    assert result.returncode == 0
    assert "--port 8001 --parcels king_county_sales.csv --pace property_detail=100" in result.stdout
    assert "GET /sandbox/ledger" in result.stdout


def test_the_modules_help_has_the_same_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    assert "python -m sandbox --port 8001 --parcels king_county_sales.csv" in capsys.readouterr().out


def test_a_taken_port_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with Sandbox(SandboxConfig(generate=10)) as sandbox:
        assert main(["--port", str(sandbox.port), "--generate", "10"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith("sandbox: cannot start: ")) == ("", 1, True)


def test_the_package_imports_only_the_standard_library_itself_and_what_speaks_for_mail_and_name_servers() -> None:
    imported = set()
    for file in (ROOT / "sandbox").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    others = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
    foreign = {name.split(".")[0] for name in others if not name.startswith("sandbox")}
    assert foreign == {"zipcodes", "aiosmtpd", "cryptography", "dns"}
