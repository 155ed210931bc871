"""Live feeds: where new bars come from while the market is open, one file a feed, all behind `base.Feed`."""
