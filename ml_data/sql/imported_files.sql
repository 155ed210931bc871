-- Which contents of files were imported for an instrument? Bars from programs, which have none, are not asked for: a feed
-- imports every minute.
SELECT DISTINCT sha256 FROM market.bar_imports WHERE instrument = $instrument AND sha256 <> ''
