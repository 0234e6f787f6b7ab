#!/bin/sh
# Dagster's storage takes its password from the environment alone: read it from the secret's file, for this process.
set -eu
if [ -r /run/secrets/postgres_password ]; then
    DAGSTER_POSTGRES_PASSWORD="$(cat /run/secrets/postgres_password)"
    export DAGSTER_POSTGRES_PASSWORD
fi
exec "$@"
