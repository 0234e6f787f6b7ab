#!/bin/sh
# The contract of the official entry point that docker-compose.yml uses: run the command, as `user:` says.
set -eu
if [ "${1#-}" != "$1" ]; then
    set -- redis-server "$@"
fi
# The official image has protected mode off.
[ "$1" != redis-server ] || set -- "$@" --protected-mode no
exec "$@"
