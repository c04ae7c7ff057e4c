# A Ray node that can tag: docker build -f deploy/ray.Dockerfile -t vectortag-ray .
# All nodes of a cluster, and the machine that starts the job, need the same Python, Ray and VectorTag.
FROM rayproject/ray:2.60.0-py311-cpu
COPY --chown=ray pyproject.toml README.md LICENSE /home/ray/vectortag/
COPY --chown=ray src /home/ray/vectortag/src
COPY --chown=ray examples/photos /home/ray/vectortag/examples/photos
RUN pip install --no-cache-dir "/home/ray/vectortag[parquet]"
ENV RAY_USAGE_STATS_ENABLED=0
