"""An instance as a command reads it: with a price book over its offers, if there is one."""

from __future__ import annotations

from pathlib import Path

from ailis_opt.books import apply_book
from ailis_opt.io import read
from ailis_opt.schema import Instance


def read_priced(path: Path, book: Path | None) -> Instance:
    """The instance at `path`, with the prices of the book. Raises InputError."""
    instance = read(path)
    return instance if book is None else apply_book(instance, book)
