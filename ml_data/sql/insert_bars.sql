-- These bars are stored; none of their minutes is there yet.
-- registered: incoming(contract VARCHAR, ts TIMESTAMPTZ, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE)
INSERT INTO market.bars_1m (instrument, contract, ts, open, high, low, close, volume)
SELECT $instrument, contract, ts, open, high, low, close, volume FROM incoming
