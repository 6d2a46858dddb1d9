# The production image: web, worker and beat are the same one, started differently (docker-compose.yml).
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.lock .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

# The server's own pg_dump and pg_restore, with the libraries they bring: Debian's are older than the server.
FROM postgres:18 AS client
RUN mkdir -p /client/lib && cp /usr/lib/postgresql/18/bin/pg_dump /usr/lib/postgresql/18/bin/pg_restore /client/ \
    && ldd /client/pg_dump /client/pg_restore | awk '$3 ~ "^/" {print $3}' | sort -u \
    | grep -vE '/(libc|libm|libdl|libpthread|librt)\.so' | xargs cp -Lt /client/lib

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin buckets \
    && install --directory --owner=buckets --mode=0700 /var/spool/buckets
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=config.settings
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=client /client /opt/postgresql
COPY . .
# The settings want these four; collectstatic uses none of them, and they do not stay in the image.
RUN SECRET_KEY=$(python -c "import secrets; print(secrets.token_urlsafe(50))") CONTACT_KEY_SECRETS=$(python -c "import secrets; print(secrets.token_urlsafe(50))") DATABASE_URL=postgres://nobody@127.0.0.1:9/nothing REDIS_URL=redis://127.0.0.1:9/0 \
    python manage.py collectstatic --noinput
RUN install --directory --owner=buckets --mode=0700 /kept /backups
USER buckets
EXPOSE 8000
CMD ["gunicorn", "--config", "python:config.gunicorn", "--bind", "0.0.0.0:8000", "--workers", "2", \
     "--worker-tmp-dir", "/dev/shm", "config.wsgi"]
