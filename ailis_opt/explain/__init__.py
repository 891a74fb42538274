"""Which layer binds, what it costs, and why nothing is feasible."""
