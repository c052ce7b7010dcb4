# infradb as a container: build the wheel, then install it and its locked dependencies into a slim image.

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="infradb" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY requirements.lock /tmp/requirements.lock
COPY --from=build /wheels /tmp/wheels
RUN pip install --no-cache-dir --requirement /tmp/requirements.lock \
    && pip install --no-cache-dir --no-deps /tmp/wheels/*.whl \
    && rm -r /tmp/requirements.lock /tmp/wheels \
    && useradd --system --uid 10001 --home-dir /data infradb \
    && install -d -o infradb -g infradb -m 0750 /data

USER infradb
WORKDIR /data
VOLUME /data
ENV INFRADB_DATABASE=/data/infradb.db \
    PYTHONUNBUFFERED=1
EXPOSE 8420

HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8420/healthz', timeout=4)"]

ENTRYPOINT ["infradb"]
# Inside a container only its own address can be published, so it listens on all of them; compose.yaml publishes it on
# the machine's loopback alone. An empty installation prints a one-time link that makes the first user.
CMD ["up", "--listen", "0.0.0.0:8420"]
