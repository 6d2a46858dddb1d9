"""README's examples run as they are written, in a copy of the tree, with an empty environment and `manage.py up`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from devtools.servers import PROJECT
from devtools.valkey import free_port
from tests.devtools.copies import bare, copy_of_the_tree, up

BLOCK = re.compile(r"^(?P<mark><!-- not run -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
WRONG = ("Traceback", '"success":false', '"success": false', "CommandError")


def blocks() -> list[str]:
    """The text of every code block that is not marked `<!-- not run -->`."""
    found = list(BLOCK.finditer((PROJECT / "README.md").read_text()))
    assert {block["kind"] for block in found if not block["mark"]} == {"sh"}
    return [block["text"] for block in found if not block["mark"]]


@pytest.mark.long
@pytest.mark.slow
def test_every_example_runs_as_it_is_written(tmp_path: Path) -> None:
    examples = blocks()
    assert len(examples) >= 2
    tree = copy_of_the_tree(tmp_path / "tree")
    environment = bare(PORT=str(free_port()))
    with up(tree, environment) as said:
        assert said[0] == "Sandbox: the vendors are made up, and so is their money."
        for text in examples:
            done = subprocess.run(
                ["sh", "-eu", "-c", text],
                cwd=tree,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            output = done.stdout + done.stderr
            assert done.returncode == 0, f"{text}\n{output}"
            assert not any(word in output for word in WRONG), output
            leads = (tree / "leads.csv").read_text().splitlines()
            assert len(leads) > 5, "the first leads were bought and exported"
            (tree / "leads.csv").unlink()
