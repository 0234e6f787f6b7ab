"""The whole of docker-compose.yml in a container engine, on a machine that reaches package registries alone.

`make containers` runs it as root. Images of MongoDB, Redis, Postgres, Caddy and Python are stand-ins that are made from
Debian's packages and from wheels, under the names and tags that the files use; Tidemark's image is built from the
Dockerfile. It takes half an hour on two idle cores and is no part of the suite.
"""
