#!/bin/sh
# Asks php-fpm over FastCGI: ask.sh film NUMBER, or ask.sh worker. Prints the body of the answer.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
answer=$(env -i REQUEST_METHOD=GET SCRIPT_FILENAME="$here/films.php" SCRIPT_NAME="/$1" QUERY_STRING="number=${2:-}" \
    /usr/bin/cgi-fcgi -bind -connect 127.0.0.1:8214)
# The status line is there only when something is wrong; no answer, no body.
case $answer in
    Status:* | '') exit 1 ;;
esac
printf '%s\n' "$answer" | tail -n 1
