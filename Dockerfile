FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# The image brings Node, and a Postgres is given: neither has to be fetched by an install script.
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build.mjs --force

FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM node:24-bookworm-slim
# `docker build --build-arg VERSION=… --build-arg REVISION=$(git rev-parse HEAD)`
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Rollbook" \
  org.opencontainers.image.description="A rollout ledger that speaks Nomad's HTTP API" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="docker.io/library/node:24-bookworm-slim"
ENV NODE_ENV=production ROLLBOOK_HTTP_ADDR=0.0.0.0 ROLLBOOK_DATA_DIR=/var/lib/rollbook
WORKDIR /app
COPY --from=packages /app ./
COPY --from=build /build/dist ./dist
COPY LICENSE ./
# `docker compose exec server-1 ops verify`
RUN printf '#!/bin/sh\nexec node --enable-source-maps /app/dist/apps/ops/main.js "$@"\n' > /usr/local/bin/ops && chmod +x /usr/local/bin/ops
RUN mkdir -p /var/lib/rollbook && chown node:node /var/lib/rollbook
USER node
EXPOSE 4646
HEALTHCHECK --interval=3s --timeout=5s --start-period=10s --retries=20 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ROLLBOOK_HTTP_PORT || 4646}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/apps/server/main.js"]
