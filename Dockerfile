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

# The bill of materials (CycloneDX) lists the Python packages that the image really has. The program that writes it has
# an environment of its own, and is not in the image.
FROM python:3.12-slim AS sbom
COPY requirements/sbom.txt requirements/
RUN python -m venv /sbom && /sbom/bin/pip install --no-cache-dir --require-hashes -r requirements/sbom.txt
COPY pyproject.toml ./
COPY --from=build /install /usr/local
RUN /sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o /tidemark.cdx.json /usr/local/bin/python

FROM python:3.12-slim
# Any user may run the image, as OpenShift does, as long as its group is 0: that group may write what the user 10001 may.
RUN useradd --system --uid 10001 --gid 0 --create-home --home-dir /home/tidemark tidemark \
    && install -d -o tidemark -g 0 /var/lib/tidemark /opt/dagster \
    && chmod 0770 /home/tidemark && chmod 0775 /var/lib/tidemark /opt/dagster
COPY --from=build /install /usr/local
COPY --from=sbom /tidemark.cdx.json /usr/local/share/sbom/tidemark.cdx.json
COPY deploy/dagster.yaml deploy/workspace.yaml /opt/dagster/
COPY deploy/entrypoint.sh /usr/local/bin/tidemark-entrypoint
# A user without an entry in /etc/passwd has no home folder but this one.
ENV DAGSTER_HOME=/opt/dagster \
    HOME=/home/tidemark \
    TIDEMARK_HOME=/var/lib/tidemark \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# docs/releasing.md says how to set the last two. They stand at the end so that a new revision builds nothing again.
ARG VERSION=0.1.0
ARG REVISION=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="Tidemark" \
    org.opencontainers.image.description="Hourly social media metrics, collected by Dagster and served over HTTP" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.licenses="Apache-2.0"
# A number, by which Kubernetes sees that it is not root.
USER 10001
WORKDIR /var/lib/tidemark
ENTRYPOINT ["tidemark-entrypoint"]
CMD ["python", "-m", "serving", "--host", "0.0.0.0", "--port", "8000"]
