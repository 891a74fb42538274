"""Scenarios from a history: read it, fit its factors, draw what may happen. Told in docs/scenarios.md.

fit = fit_history("history.csv", read_events("events.yaml"))
instance = draw(fit, instance, n=100, seed=1)
"""

from ailis_opt.scenarios.draw import draw
from ailis_opt.scenarios.events import Event, read_events
from ailis_opt.scenarios.files import fit_text, read_fit
from ailis_opt.scenarios.fit import Factor, Fit, fit_history
from ailis_opt.scenarios.history import History, read_history

__all__ = ["Event", "Factor", "Fit", "History", "draw", "fit_history", "fit_text", "read_events", "read_fit", "read_history"]
