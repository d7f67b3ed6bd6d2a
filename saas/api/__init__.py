"""What every API shares: strict JSON, paging, limits, problems and the schema."""
