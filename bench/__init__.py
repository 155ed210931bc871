"""One benchmark a target of the performance table."""
