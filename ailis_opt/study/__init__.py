"""Studies: many instances, what-ifs and portfolios, solved into a store, and runs side by side."""
