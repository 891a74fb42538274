"""Writing to standard output and standard error, whatever stands at the other end."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def emit(text: str) -> None:
    """Write `text` and a line break to standard output."""
    _write(sys.stdout, text)


def notice(text: str) -> None:
    """Write `text` and a line break to standard error."""
    _write(sys.stderr, text)


def _write(stream: TextIO, text: str) -> None:
    """Characters that the stream cannot encode become `?`; a reader that has gone away (`| head`) is no error."""
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.rstrip("\n").encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # so that the flush at exit is silent as well
        os.close(nowhere)
