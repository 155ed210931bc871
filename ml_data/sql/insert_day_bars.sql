-- These day bars are stored; none of their days is there yet.
-- registered: incoming(instrument VARCHAR, trading_day DATE, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE)
INSERT INTO market.bars_1d BY NAME SELECT * FROM incoming
