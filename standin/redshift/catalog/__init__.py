"""What the Redshift face installs into a database's `pg_catalog`: types, functions, attributes, system views."""
