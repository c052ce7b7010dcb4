"""The rules, grouped by topic; `infradb.quality.catalog` lists them."""
