"""What the program must reach in speed and memory, measured side by side with others: `make bench`."""
