"""A run as one HTML page that needs nothing else, and as an Excel workbook with the same tables."""

from __future__ import annotations

from ailis_opt.report.run import Run

__all__ = ["Run", "html", "workbook"]


def html(run: Run) -> str:
    """The run as one self-contained page: no network, light and dark, for the screen, the phone and paper."""
    from ailis_opt.report.page import page

    return page(run)


def workbook(run: Run) -> bytes:
    """The tables of the report as an Excel workbook, a sheet each; text that Excel would take for a formula is neutralised."""
    from ailis_opt.report.excel import sheets

    return sheets(run)
