"""What is claimed on markets whose truth is known: simulated martingales, and a market with an edge planted in it."""
