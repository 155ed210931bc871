-- Through which instant, and by which definitions, is history built?
SELECT built_through, definitions_hash FROM market.history_state WHERE instrument = $instrument
