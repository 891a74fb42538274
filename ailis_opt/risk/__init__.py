"""What hedges pay, what risk costs, how much of it a hedge takes, and which type of basis leaves the rest.

payoffs    what a lot of each hedge pays, costs and ties up
measures   expected cost, VaR, CVaR, worst case; effectiveness; regret
basis      the residual of a hedge, split over the types of basis risk
coverage   what indices, hedges and contracts state about every layer
reduction  few scenarios in place of many
"""
