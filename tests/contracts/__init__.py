"""What every feature must keep, and what must be caught that does not."""
