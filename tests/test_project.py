"""What holds for the project as a whole: what is in the tree, what is public, and that the pages say what the code says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import ailis_opt
from ailis_models.layers import LAYERS, REASONS
from ailis_opt.audit.tables import COMPONENTS

ROOT = Path(__file__).resolve().parents[1]
FORMAT = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
LOCKS = re.compile(r"(^|/)([^/]+\.lock|Pipfile|pylock[^/]*\.toml|requirements[^/]*\.txt|environment\.ya?ml)$")
MACHINE = re.compile(r"(?<![\w.])/(work|root|home|tmp|mnt|Users)/\w|\b[A-Z]:\\\w")
INDEX = re.compile(r"(--(extra-)?index-url|--find-links|PIP_INDEX|UV_INDEX|UV_DEFAULT_INDEX)")


def tracked() -> list[str]:
    """Files of the checkout that git knows, or would add."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return [name for name in found if (ROOT / name).is_file()]


def first_column(heading: str) -> list[str]:
    """First column of the first table after a heading of docs/format.md."""
    rows = re.findall(r"^\| *(.*?) *\|", FORMAT.split(f"\n## {heading}\n")[1].split("\n## ")[0], flags=re.MULTILINE)
    return rows[2:]


def test_no_lock_files() -> None:
    assert [name for name in tracked() if LOCKS.search(name)] == []


@pytest.mark.parametrize("pattern", [MACHINE, INDEX], ids=["paths", "indexes"])
def test_nothing_of_one_machine(pattern: re.Pattern[str]) -> None:
    mine = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        f"{name}:{i}: {line.strip()}"
        for name in tracked()
        if name != mine
        for i, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_public_names() -> None:
    assert sorted(ailis_opt.__all__) == ["AilisError", "Instance", "Result", "read", "solve"]
    assert all(getattr(ailis_opt, name).__name__ == name for name in ailis_opt.__all__)
    with pytest.raises(AttributeError, match="'minimize'"):
        ailis_opt.minimize  # noqa: B018


def test_layers_that_close_routes() -> None:
    closing = [layer.id for layer in LAYERS if "routes" in layer.kind]
    assert list(dict.fromkeys(reason.layer for reason in REASONS)) == closing
    assert first_column("Routes") == closing


def test_components_of_cost() -> None:
    listed = [name for row in first_column("Money") for name in re.findall(r"`(\w+)`", row)]
    assert listed == list(COMPONENTS)
