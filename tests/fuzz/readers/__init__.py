"""Fuzzing of what reads files: targets, seeds, mutators, and the guard that says what a reader may do. See README.md."""
