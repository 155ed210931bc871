-- When does the newest bar of an instrument start that starts before $before?
SELECT max(ts) FROM market.bars_1m WHERE instrument = $instrument AND ts < $before
