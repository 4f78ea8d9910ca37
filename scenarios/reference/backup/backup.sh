#!/bin/sh
# A full backup to each repository, and what is in them. The table says which migration was run last, as tools for migrations keep it.
set -eu
store='{{state}}/patroni-{{host.name}}'
backrest() { pgbackrest --config="$store/pgbackrest.conf" --stanza=orders "$@"; }
/usr/lib/postgresql/15/bin/psql -Xq -v ON_ERROR_STOP=1 -h "$store/run" -U postgres <<'SQL'
create table migrations (name text primary key, at timestamptz not null default clock_timestamp());
insert into migrations values ('initial');
SQL
backrest stanza-create
backrest --repo=1 --type=full backup
backrest --repo=2 --type=full backup
backrest info
touch '{{dir}}/done'
exec sleep infinity
