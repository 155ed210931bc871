-- Which of these day bars were stored once and replaced by a later import?
-- registered: incoming(trading_day DATE, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE, row_number BIGINT)
SELECT DISTINCT incoming.row_number
FROM incoming
JOIN market.day_bar_revisions AS revision
    ON revision.instrument = $instrument
    AND revision.trading_day = incoming.trading_day
    AND revision.old_open = incoming.open
    AND revision.old_high = incoming.high
    AND revision.old_low = incoming.low
    AND revision.old_close = incoming.close
    AND revision.old_volume = incoming.volume
