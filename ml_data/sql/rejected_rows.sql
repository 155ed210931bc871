-- Which rows of an instrument's files were not stored, and why? The newest imports first, $most at the most.
SELECT imports.file_name, rejects.row_number, rejects.reason, rejects.raw
FROM market.bar_rejects AS rejects
JOIN market.bar_imports AS imports USING (import_id)
WHERE imports.instrument = $instrument
ORDER BY imports.imported_at DESC, rejects.import_id, rejects.row_number
LIMIT $most
