# Debian's Redis, laid out as the public image of Redis is: user `redis`, data in /data.
ARG BASE
FROM ${BASE}
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get -qq update; \
    apt-get -qq install --yes --no-install-recommends redis-server >/dev/null; \
    rm -rf /var/lib/apt/lists/*; \
    install --directory --owner redis --group redis /data
WORKDIR /data
USER redis
