# One image for every process of the house; the command says which one. `docker compose build` builds it.
# To pin it to the byte: --build-arg PYTHON=python:3.12-slim-bookworm@sha256:...
ARG PYTHON=python:3.12-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /opt/opitios
COPY requirements/base.txt requirements/base.txt
RUN python -m venv .venv && .venv/bin/python -m pip install --quiet --require-hashes -r requirements/base.txt
COPY . .
# The same two steps as `make install`: hashes and the project itself do not go together.
RUN .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e . \
 && .venv/bin/python -m pip uninstall --quiet --yes pip \
 && .venv/bin/python -m compileall -q -j 0 api brokers cli config crucible domain events exchange migrations models \
      reports risk services stack streams tasks

FROM ${PYTHON}
RUN groupadd --system --gid 10001 opitios \
 && useradd --system --uid 10001 --gid opitios --no-create-home --home-dir /var/lib/opitios \
      --shell /usr/sbin/nologin opitios \
 && install --directory --owner=opitios --group=opitios --mode=0700 /var/lib/opitios
COPY --from=build /opt/opitios /opt/opitios
ENV PATH=/opt/opitios/.venv/bin:$PATH \
    OPITIOS_HOME=/var/lib/opitios \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/opitios
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=3 CMD ["opitios", "alive"]
CMD ["python", "-m", "api"]
