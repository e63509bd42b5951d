# The image of API and workers; PACKAGES are the toolchains of the languages that a code worker serves.
#
#   docker build --network host -t touchstone .
#
# Behind a mirror: --build-arg PIP_INDEX_URL=... or PIP_FIND_LINKS=... with PIP_NO_INDEX=1.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS base

ARG PACKAGES=""
RUN set -eu; \
    wanted="${PACKAGES}"; \
    command -v python3 >/dev/null || wanted="${wanted} python3"; \
    if [ -n "${wanted}" ]; then \
        export DEBIAN_FRONTEND=noninteractive; \
        apt-get -qq update; \
        apt-get -qq install --yes --no-install-recommends ${wanted} >/dev/null; \
        rm -rf /var/lib/apt/lists/*; \
    fi

FROM base AS build

RUN set -eu; \
    if ! python3 -c 'import ensurepip' 2>/dev/null; then \
        apt-get -qq update; \
        DEBIAN_FRONTEND=noninteractive \
            apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null; \
    fi
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
COPY pyproject.toml constraints.txt /build/
RUN set -eu; \
    cd /build; \
    python3 -m venv /opt/touchstone; \
    pip() { /opt/touchstone/bin/python -m pip --quiet --no-cache-dir --disable-pip-version-check "$@"; }; \
    pip install --constraint constraints.txt pip; \
    pip install --constraint constraints.txt --group service; \
    /opt/touchstone/bin/python -m compileall -q /opt/touchstone || true

FROM base

COPY --from=build /opt/touchstone /opt/touchstone
COPY deploy/unmask /usr/local/bin/unmask
COPY graders /srv/touchstone/graders
COPY sandbox /srv/touchstone/sandbox
COPY service /srv/touchstone/service
# No file gives a process more rights than it was started with.
RUN set -eu; \
    useradd --system --uid 10001 --user-group --home-dir /srv/touchstone touchstone; \
    /opt/touchstone/bin/python -m compileall -q /srv/touchstone; \
    find / -xdev -perm /6000 -type f -exec chmod a-s {} +

ENV PATH=/opt/touchstone/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
WORKDIR /srv/touchstone
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["python", "-m", "service"]
CMD ["--help"]
