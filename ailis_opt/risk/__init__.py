"""What risk costs, how much of it a hedge takes, and which type of basis risk leaves the rest.

measures   expected cost, VaR, CVaR, worst case; effectiveness; regret
basis      the residual of a hedge, split over the types of basis risk
coverage   what indices, hedges and contracts state about every layer
reduction  few scenarios in place of many
"""
