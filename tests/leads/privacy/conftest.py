from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def forgotten_file(tmp_path: Path, settings: Any) -> Path:
    path = tmp_path / "kept" / "forgotten.jsonl"
    settings.FORGOTTEN_FILE = str(path)
    return path
