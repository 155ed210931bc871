-- When was the first import made that history is not rebuilt for?
SELECT min(import.imported_at)
FROM market.history_dirty AS dirty
JOIN market.bar_imports AS import USING (import_id)
WHERE dirty.instrument = $instrument
