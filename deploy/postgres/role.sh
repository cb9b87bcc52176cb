#!/bin/sh
# The servers' role: it owns its schema and is no superuser (docs/security.md).
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set password="$ROLLBOOK_POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE rollbook LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
GRANT CONNECT ON DATABASE rollbook TO rollbook;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO rollbook;
SQL
