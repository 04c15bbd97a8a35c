# The worker alone: docker build -t listener . && docker run --env DATABASE_URL --env LISTENER_VIEWS=mv_dashboard listener
FROM node:24-alpine AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json ./
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-alpine
ENV NODE_ENV=production
WORKDIR /listener
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
COPY sql ./sql
# It reads nothing but its own files, and writes none.
USER node
# No npm, no shell in between: node is process 1 and receives SIGTERM itself. No HEALTHCHECK: a worker
# ends with a status when it cannot go on, and tells of everything else in its log; who wants to ask it gives LISTENER_PORT,
# with LISTENER_HOST=0.0.0.0, and probes /healthz and /readyz from outside.
ENTRYPOINT ["node", "dist/cli.js"]
