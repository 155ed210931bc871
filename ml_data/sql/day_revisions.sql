-- How many day bars of each instrument did a later file change?
SELECT instrument, count(DISTINCT trading_day) AS revised FROM market.day_bar_revisions GROUP BY instrument
