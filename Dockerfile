# One image for web, worker and migrations. Postgres and Redis are services of their own (compose.yaml).
FROM python:3.13-slim AS build
WORKDIR /app
COPY .requirements.lock ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r .requirements.lock
COPY . .
# The build hook brings its own Node and builds the front end; editable, so that templates and static/dist
# are found where they lie.
RUN /venv/bin/pip install --no-cache-dir --no-deps --editable . && rm -rf static/node_modules

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 betterchat
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 BETTERCHAT_DATA_DIR=/data
RUN mkdir /data && chown betterchat /data
USER betterchat
VOLUME /data
EXPOSE 8000
CMD ["python", "manage.py", "web", "--host", "0.0.0.0"]
