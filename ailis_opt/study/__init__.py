"""Many solves: what-ifs, studies, and what is made of their results."""
