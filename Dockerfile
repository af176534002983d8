# `emolens serve` in a container (docs/deploy/README.md). Build it with: docker build --tag emolens .

# The newest release of this Python, with the security updates of the day of the build.
FROM python:3.13-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_PYTHON=/opt/emolens
WORKDIR /source
# The libraries come first: Docker keeps them while only the source changes. A server has no windows, so OpenCV is
# the one without them. Both kinds have the same files, so the other one, which other packages ask for, is left out.
COPY pyproject.toml constraints.txt ./
RUN uv venv --python /usr/local/bin/python3 /opt/emolens \
    && echo "opencv-python; python_version < '3'" > overrides.txt \
    && sed -n 's/^opencv-python==/opencv-python-headless==/p' constraints.txt > headless.txt \
    && uv pip install --constraint constraints.txt --override overrides.txt \
        --requirement headless.txt --requirement pyproject.toml --extra serve
COPY . .
RUN uv build --wheel --python /usr/local/bin/python3 \
    && uv pip install --no-deps dist/*.whl

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="emolens" \
      org.opencontainers.image.description="Apparent facial expressions from images, in real time, on a plain CPU" \
      org.opencontainers.image.source="https://github.com/emolens/emolens" \
      org.opencontainers.image.documentation="https://github.com/emolens/emolens/blob/HEAD/docs/server.md" \
      org.opencontainers.image.licenses="Apache-2.0 AND MIT"
# A number, so that Kubernetes can tell that it is not root; without a home that anything could be written to.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent emolens
COPY --from=build /opt/emolens /opt/emolens
ENV PATH="/opt/emolens/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["emolens"]
# Needs a key: EMOLENS_KEY, or --keys and a file.
CMD ["serve", "--host", "0.0.0.0"]
