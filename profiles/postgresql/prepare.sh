#!/bin/sh
# Makes PostgreSQL's folder under build/: a cluster with a catalogue, and one whose data change. PostgreSQL does not run as
# root: root has them belong to the user postgres of Debian's package, others to themselves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$here/../../build/profiles/postgresql
bin=/usr/lib/postgresql/15/bin
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
if [ -e "$dir/prepared" ] && [ "$dir/prepared" -nt "$here/prepare.sh" ] && [ "$dir/prepared" -nt "$here/postgresql.conf" ]; then
    exit 0
fi

as_owner() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# One command per line.
catalogue() {
    cat <<'SQL'
CREATE TABLE film (id integer PRIMARY KEY, title text NOT NULL, year integer NOT NULL, minutes integer NOT NULL)
INSERT INTO film SELECT n, 'film-' || n || '-' || n::bigint * 7919 % 1000003, 1920 + n % 105, 60 + n % 120 FROM generate_series(1, 100000) AS n
CREATE INDEX film_year ON film (year)
SQL
}

# make NAME PORT: a cluster that was shut down in order. Its SQL comes on standard input.
make() {
    data=$dir/$1
    echo "postgresql: making the cluster $1"
    as_owner "$bin/initdb" --pgdata "$data" --username postgres --auth trust --encoding UTF8 --locale C.UTF-8 >"$dir/log" 2>&1 ||
        { cat "$dir/log" >&2; exit 1; }
    { cat "$here/postgresql.conf"; echo "port = $2"; } | as_owner tee "$data/postgresql.conf" >/dev/null
    # Frozen rows need no more writing: whoever reads them changes nothing of the files.
    { cat; echo "VACUUM (FREEZE, ANALYZE)"; } | as_owner "$bin/postgres" --single -D "$data" postgres >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
}

rm -rf "$dir/catalogue" "$dir/shop" "$dir/prepared"
[ "$(id -u)" != 0 ] || chown postgres: "$dir"
catalogue | make catalogue 8209
# A server that follows another one, and there is none to follow: it never writes to its data.
as_owner touch "$dir/catalogue/standby.signal"
echo "CREATE TABLE sale (id serial PRIMARY KEY, film integer NOT NULL, day date NOT NULL DEFAULT now())" | make shop 8210
rm -f "$dir/log"
touch "$dir/prepared"
