-- The bars of these days make room for revised ones.
-- registered: incoming(instrument VARCHAR, trading_day DATE)
DELETE FROM market.bars_1d
USING incoming
WHERE bars_1d.instrument = incoming.instrument AND bars_1d.trading_day = incoming.trading_day
