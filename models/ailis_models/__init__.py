"""The mathematics of ailis-opt: one module per AILIS layer, readable Pyomo over numpy arrays.

Knows no file, no solver and no application. Start at `formulation.py`: its table is the architecture.
"""
