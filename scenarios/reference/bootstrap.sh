#!/bin/sh
# Once, on the first primary: the account and the table of the backend.
exec /usr/lib/postgresql/15/bin/psql -Xq -v ON_ERROR_STOP=1 "$1" <<'SQL'
create role app login;
grant pg_monitor to app;
create table orders (id text primary key, region text not null, node text not null, at timestamptz not null default clock_timestamp());
grant select, insert on orders to app;
SQL
