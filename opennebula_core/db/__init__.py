"""The database: tables, migrations, the store with its one writer and many readers, and the generic pool."""
