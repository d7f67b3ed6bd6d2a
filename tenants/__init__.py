"""Who you are and what you may see: tenants, members, keys, audit, scope and row-level security."""
