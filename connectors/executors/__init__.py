"""What acts on the outside world: one contract for all that executes."""
