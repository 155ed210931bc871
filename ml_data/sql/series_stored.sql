-- Is the instrument stored as one continuous series? No row: no bar of it is stored.
SELECT contract = $instrument FROM market.bars_1m WHERE instrument = $instrument LIMIT 1
