"""Portfolios of contracts and hedges on the same scenarios: what each costs, what risk it leaves, and of which type that is."""

from ailis_opt.hedge.portfolios import STANDARD, read_portfolios, standard
from ailis_opt.hedge.study import Hedging, Portfolio, hedge

__all__ = ["STANDARD", "Hedging", "Portfolio", "hedge", "read_portfolios", "standard"]
