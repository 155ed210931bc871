"""Building blocks of the pages: each takes values and draws them; none asks the store or the clock."""
