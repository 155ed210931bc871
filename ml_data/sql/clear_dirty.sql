-- This span is built.
DELETE FROM market.history_dirty
WHERE instrument = $instrument AND first_ts = $first_ts AND last_ts = $last_ts AND import_id IS NOT DISTINCT FROM $import_id
