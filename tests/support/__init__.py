"""What several test modules share: random instances, a second model of `docs/format.md`, and their files."""
