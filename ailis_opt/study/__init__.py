"""Many solves: what-ifs, studies and the store of their runs, and runs side by side."""
