"""Price lists of providers as tables of an instance."""

from __future__ import annotations

from ailis_opt.imports.azure_retail import read_azure_retail
from ailis_opt.imports.gcp import read_gcp
from ailis_opt.imports.known import Known, known
from ailis_opt.imports.prices import TERMS, Choice, Imported
from ailis_opt.imports.skypilot import read_skypilot

__all__ = ["TERMS", "Choice", "Imported", "Known", "known", "read_azure_retail", "read_gcp", "read_skypilot"]
