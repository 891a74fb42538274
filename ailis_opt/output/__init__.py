"""What the user sees: text, JSON and files."""
