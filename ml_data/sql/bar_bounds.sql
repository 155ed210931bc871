-- When do the stored bars of an instrument begin and end?
SELECT min(ts), max(ts) FROM market.bars_1m WHERE instrument = $instrument
