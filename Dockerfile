# One image for every service of docker-compose.yml: they differ by their command alone.
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements/runtime.txt requirements/build.txt requirements/
# The lock names everything, and pip takes no lock for gql[requests] where it says gql: hence --no-deps.
RUN pip install --no-cache-dir --prefix=/install --no-deps --require-hashes -r requirements/runtime.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE dagster.yaml ./
COPY metrics metrics
COPY pipelines pipelines
COPY serving serving
COPY simulator simulator
COPY tidemark tidemark
RUN pip install --no-cache-dir --prefix=/install --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /home/tidemark tidemark \
    && install -d -o tidemark /var/lib/tidemark /opt/dagster
COPY --from=build /install /usr/local
COPY deploy/dagster.yaml deploy/workspace.yaml /opt/dagster/
COPY deploy/entrypoint.sh /usr/local/bin/tidemark-entrypoint
ENV DAGSTER_HOME=/opt/dagster \
    TIDEMARK_HOME=/var/lib/tidemark \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER tidemark
WORKDIR /var/lib/tidemark
ENTRYPOINT ["tidemark-entrypoint"]
CMD ["python", "-m", "serving", "--host", "0.0.0.0", "--port", "8000"]
