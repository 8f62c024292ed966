"""How does the suite reach PostgreSQL, its own or yours: launch, pool, queries, notifications, migrations."""
