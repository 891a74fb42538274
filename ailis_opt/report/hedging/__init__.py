"""Portfolios side by side: the document of `hedge`, in sentences and as a page."""
