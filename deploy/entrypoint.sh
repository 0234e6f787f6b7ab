#!/bin/sh
# Refuses to start if the file of a secret is there and cannot be read; the programs read the files themselves.
set -eu
for secret in /run/secrets/*; do
    if [ -f "$secret" ] && [ ! -r "$secret" ]; then
        echo "$secret cannot be read by user id $(id -u): give this user the right to read the file that is mounted there," \
            "for example with chmod 644 on it and chmod 700 on its folder (docs/deploying.md)" >&2
        exit 1
    fi
done
exec "$@"
