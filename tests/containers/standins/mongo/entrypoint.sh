#!/bin/sh
# The contract of the official entry point that docker-compose.yml uses: run the command, as `user:` says.
set -eu
if [ "${1#-}" != "$1" ]; then
    set -- mongod "$@"
fi
exec "$@"
