#!/bin/sh
# Makes redis's folder under build/ and its data file: 600,000 keys of four types, some with an expiry time far ahead.
# The data is the same on each run (no clock, no random numbers), so that tests can ask for exact values.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$here/../../build/profiles/redis
mkdir -p "$dir"
cmp -s "$here/redis.conf" "$dir/redis.conf" || cp "$here/redis.conf" "$dir/redis.conf"
if [ -s "$dir/catalogue.rdb" ] && [ "$dir/catalogue.rdb" -nt "$here/prepare.sh" ]; then
    exit 0
fi

# One command per line in the server's inline form; 4102444800 is 2100-01-01T00:00:00Z (and more than awk's %d can print).
generate() {
    awk 'BEGIN {
        for (i = 1; i <= 500000; i++) printf "SET item:%d title-%d-%d\r\n", i, i, (i * 2654435761) % 1000003
        for (i = 1; i <= 60000; i++) printf "SET session:%d user-%d EXAT %.0f\r\n", i, i * 7, 4102444800 + i
        for (i = 1; i <= 30000; i++) printf "HSET film:%d title film-%d year %d minutes %d\r\n", i, i, 1920 + i % 105, 60 + i % 120
        for (i = 1; i <= 10000; i++) printf "ZADD chart:%d %d film:%d %d film:%d\r\n", i, i % 97, i, i % 89, i + 1
    }'
}

echo "redis: making the data file (600,000 keys)"
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
redis-server --port 0 --unixsocket "$work/socket" --dir "$work" --dbfilename catalogue.rdb --save "" \
    --daemonize no >"$work/log" 2>&1 &
server=$!
tries=0
until redis-cli -s "$work/socket" ping >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
done
generate | redis-cli -s "$work/socket" --pipe >"$work/pipe" 2>&1 || { cat "$work/pipe" >&2; exit 1; }
count=$(redis-cli -s "$work/socket" dbsize)
[ "$count" = 600000 ] || { echo "redis: the data file would hold $count keys in place of 600000" >&2; exit 1; }
redis-cli -s "$work/socket" save >/dev/null
redis-cli -s "$work/socket" shutdown nosave >/dev/null 2>&1 || true
mv "$work/catalogue.rdb" "$dir/catalogue.rdb.new"
mv "$dir/catalogue.rdb.new" "$dir/catalogue.rdb"
