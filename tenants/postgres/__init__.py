"""Django's Postgres backend, taught to carry the tenant in every transaction."""
