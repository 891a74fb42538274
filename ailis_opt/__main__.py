"""`python -m ailis_opt` is `ailis-opt`."""

from ailis_opt.cli import main

main()
