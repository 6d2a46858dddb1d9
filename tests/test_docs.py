"""What documents and code say of each other is true: cited sections, paths, functions, the version."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted(
    [*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"],
    key=lambda path: path.as_posix(),
)
ROOMS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
FOLDERS = "|".join([*ROOMS, "benchmarks", "docs", "templates", "tests"])

NUMBER = r"\d+(?:\.\d+)?"
# "docs/vendors/apollo.md 3.4 and 3.6", "docs/vendors/realestateapi.md 1.2 to 1.9", "docs/vendors/apollo.md section 3"
CITED = re.compile(
    rf"(?P<path>docs/[\w/-]+\.md)(?:,? (?:section )?(?P<sections>{NUMBER}(?:(?:, | and | to ){NUMBER})*))?(?![\w/])"
)
PATH = re.compile(rf"`(?P<path>(?:{FOLDERS})/[\w./*-]*)`")
LINK = re.compile(r"\]\((?!https?://|#)(?P<path>[^)#\s]+)(?:#(?P<anchor>[^)\s]+))?\)")
SQL = re.compile(r"^```sql\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
# "`a/b.py` · `name`, `other`", "`a/b.py`, `name`", and "`name` in `a/b.py`"
NAMED = re.compile(r"`(?P<path>[\w/]+\.py)`(?: · |, )(?P<names>`[\w.]+`(?!/)(?:, `[\w.]+`)*)")
NAMED_IN = re.compile(r"(?P<names>`\w[\w.]*`) in `(?P<path>[\w/]+\.py)`")
ROW = re.compile(r"^\| (?P<question>[^|]+) \| (?P<answer>[^|]+) \|$", re.MULTILINE)

# Each of these is answered by the index in docs/architecture.md, and by the file that it names.
QUESTIONS = [
    "a lead counts against the daily limit",
    "retry backoff",
    "CSV cells are defused",
    "add a vendor",
    "add a lead column",
    "what a 403 at a batch endpoint does",
    "who may see phones",
    "whose turn it is",
    "next time of a schedule",
    "what Home shows",
    "a phone that comes late",
    "in what order locks are taken",
]


def source_files() -> list[Path]:
    """Every text file that is or may become part of the repository, but recorded answers and foreign code."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    names = listed or [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if ".venv" not in path.parts]
    kinds = {".py", ".md", ".toml", ".yml", ".html", ".example", ""}
    found = [ROOT / name for name in names if Path(name).suffix in kinds]
    return [path for path in found if path.is_file() and path != Path(__file__).resolve()]


@cache
def sections(path: Path) -> frozenset[str]:
    """The numbers that the headings of a document begin with."""
    headings = [match["text"] for match in HEADING.finditer(path.read_text())]
    return frozenset(found[0].rstrip(".") for text in headings if (found := re.match(rf"{NUMBER}\.?(?= )", text)))


@cache
def anchors(path: Path) -> frozenset[str]:
    """The fragments by which GitHub links to the headings of a document."""
    texts = [match["text"].lower() for match in HEADING.finditer(path.read_text())]
    return frozenset(re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts)


def has_section(path: Path, number: str) -> bool:
    """A heading of this number, or of a section within it ("3" where 3.1 begins)."""
    return any(found == number or found.startswith(f"{number}.") for found in sections(path))


def citations(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each document that a text names, with the sections it names of it. Line breaks of comments are mended first."""
    for match in CITED.finditer(re.sub(r"\n\s*(?:# )?", " ", text)):
        yield match["path"], re.findall(NUMBER, match["sections"] or "")


def test_every_document_and_section_that_is_cited_exists() -> None:
    wrong, seen = [], 0
    for file in source_files():
        for path, numbers in citations(file.read_text(errors="ignore")):
            seen += bool(numbers)
            if not (ROOT / path).is_file():
                wrong.append(f"{file.relative_to(ROOT)} cites {path}, which does not exist")
                continue
            lacking = [number for number in numbers if not has_section(ROOT / path, number)]
            wrong += [f"{file.relative_to(ROOT)} cites {path} {number}: there is no such heading" for number in lacking]
    assert wrong == []
    assert seen > 40, "the pattern finds the citations"


def test_the_pattern_reads_citations() -> None:
    text = "(docs/a.md 1.2, 1.3 and 1.9), docs/b/c.md section 3; see docs/d.md, and docs/e.md 1.2 to\n    1.9."
    assert list(citations(text)) == [
        ("docs/a.md", ["1.2", "1.3", "1.9"]),
        ("docs/b/c.md", ["3"]),
        ("docs/d.md", []),
        ("docs/e.md", ["1.2", "1.9"]),
    ]
    apollo = ROOT / "docs/vendors/apollo.md"
    assert has_section(apollo, "3") and has_section(apollo, "3.4")
    assert not has_section(apollo, "1.4") and not has_section(apollo, "3.40")


@pytest.mark.long
def test_no_file_cites_a_source_that_is_not_here() -> None:
    gone = re.compile(r"\b(?:contracts|engineering|design|activation|brief|style)\.md\b|\bthe brief\b", re.IGNORECASE)
    files = [file for file in source_files() if file.suffix == ".py"]
    assert [f.relative_to(ROOT).as_posix() for f in files if gone.search(f.read_text())] == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_path_and_link_of_a_document_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    wrong = [match["path"] for match in PATH.finditer(text) if not list(ROOT.glob(match["path"]))]
    for match in LINK.finditer(text):
        target = (document.parent / match["path"]).resolve()
        if not target.exists() or (match["anchor"] and match["anchor"] not in anchors(target)):
            wrong.append(match[0])
    assert wrong == []


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a Python file defines or imports: functions, classes, constants, and methods as "Class.method"."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name):
                inner = (child.name for child in node.body if isinstance(child, ast.FunctionDef))
                names |= {name, *(f"{name}.{method}" for method in inner)}
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.ImportFrom():
                names |= {alias.asname or alias.name for alias in node.names}
    return frozenset(names)


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_function_that_a_document_names_with_its_file_exists(document: Path) -> None:
    wrong = []
    text = document.read_text()
    for match in (*NAMED.finditer(text), *NAMED_IN.finditer(text)):
        file = ROOT / match["path"]
        there = names_in(file) if file.is_file() else frozenset()
        names = re.findall(r"`([\w.]+)`", match["names"])
        wrong += [f"{match['path']} has no {name}" for name in names if name not in there]
    assert wrong == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_index_answers_a_newcomers_question_with_one_file(question: str) -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rows = [match["answer"] for match in ROW.finditer(text) if match["question"] == question]
    assert len(rows) == 1
    named = list(NAMED.finditer(rows[0])) or list(LINK.finditer(rows[0]))
    assert named, rows[0]


def test_a_drawing_has_no_semicolon_which_would_end_its_line() -> None:
    drawings = re.findall(
        r"^```mermaid\n(.*?)^```$", (ROOT / "docs/sequences.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(drawings) == 2
    assert not any(";" in drawing for drawing in drawings)


def test_the_security_page_counts_its_rows_and_leaves_none_unread() -> None:
    text = (ROOT / "docs/security.md").read_text()
    states = Counter(re.findall(r"^\| \d+\.\d+\.\d+ \| ([^|]+) \| \S.* \|$", text, re.MULTILINE))
    assert sum(states.values()) == 253  # requirements of ASVS 5.0.0 at levels 1 and 2
    assert set(states) == {"met", "open", "does not apply"}
    assert f"{states['met']} met, {states['open']} open, {states['does not apply']} do not apply." in text


@pytest.mark.django_db
def test_the_statements_for_debugging_run() -> None:
    blocks = SQL.findall((ROOT / "docs/debugging.md").read_text())
    statements = [text for block in blocks for text in block.split(";") if text.strip()]
    assert len(statements) >= 8
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.replace("'…'", "'00000000-0000-7000-8000-000000000000'"))


def test_the_version_stands_in_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(version)} · \d{{4}}-\d\d-\d\d", headings[1])
