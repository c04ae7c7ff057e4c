# VectorTag in containers, without torch. The page is the default target, the HTTP service is `api`:
#
#   docker build -t vectortag-ui .
#   docker run --rm -p 8501:8501 -v $(pwd)/models:/app/models vectortag-ui
#
#   docker build -t vectortag-api --target api .
#   docker run --rm -p 8000:8000 -v $(pwd)/models:/app/models -v $(pwd)/keys:/run/secrets/keys:ro \
#       vectortag-api --api-key-file /run/secrets/keys
#
# Model folders in /app/models are served beside the shipped ones; it may be empty. Added tags and corrections lie in
# /data: give it a volume to keep them. Neither needs a network but its own port, nor a root file system that can be
# written (--read-only; the page wants --tmpfs /tmp).

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
COPY examples/photos /source/examples/photos
RUN python -m venv --without-pip /opt/vectortag

# OpenVINO's plugins for other devices than the processor are 50 MB that no container here can use.
FROM build AS build-api
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/vectortag/bin/python install "/source[serve]" \
    && rm -f /opt/vectortag/lib/python*/site-packages/openvino/libs/libopenvino_intel_[gn]pu_plugin.so

FROM build AS build-ui
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/vectortag/bin/python install "/source[ui]" \
    && rm -f /opt/vectortag/lib/python*/site-packages/openvino/libs/libopenvino_intel_[gn]pu_plugin.so

FROM python:${PYTHON}-slim AS base
RUN useradd --uid 10001 --no-create-home --home-dir /data vectortag \
    && install --directory --owner vectortag /app /app/models /data
ENV PATH=/opt/vectortag/bin:$PATH HOME=/data VECTORTAG_HOME=/data PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
USER vectortag

FROM base AS api
COPY --from=build-api /opt/vectortag /opt/vectortag
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# Other machines can reach it, so it asks for --api-key-file FILE or --no-auth.
ENTRYPOINT ["vectortag", "serve", "--host", "0.0.0.0", "--port", "8000", "--models", "/app/models"]

FROM base AS ui
COPY --from=build-ui /opt/vectortag /opt/vectortag
EXPOSE 8501
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
ENTRYPOINT ["vectortag", "ui", "--host", "0.0.0.0", "--port", "8501", "--models", "/app/models"]
