-- The bars of these minutes make room for revised ones.
-- registered: incoming(contract VARCHAR, ts TIMESTAMPTZ)
DELETE FROM market.bars_1m
USING incoming
WHERE bars_1m.instrument = $instrument
    AND bars_1m.ts >= $first_ts
    AND bars_1m.ts <= $last_ts
    AND bars_1m.contract = incoming.contract
    AND bars_1m.ts = incoming.ts
