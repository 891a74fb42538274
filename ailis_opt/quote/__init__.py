"""What a contract on the table is worth before signing."""

from ailis_opt.quote.quote import Quote, quote
from ailis_opt.quote.sheet import Sheet, read_sheet

__all__ = ["Quote", "Sheet", "quote", "read_sheet"]
