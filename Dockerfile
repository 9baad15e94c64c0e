# The binary and the certificate authorities, and nothing else: no shell, no package manager, no root.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/usr/local/bin/ ./cmd/loadrig ./deploy/probe \
    && mkdir -p /out/etc/ssl/certs /out/var/lib/loadrig \
    && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
    && chown 65532:65532 /out/var/lib/loadrig

FROM scratch
COPY --from=build /out /
ENV PATH=/usr/local/bin
# Runs are kept in /var/lib/loadrig/loadrig/runs; mount a volume at /var/lib/loadrig to keep them for longer.
ENV XDG_STATE_HOME=/var/lib/loadrig
# By number, so that an orchestrator can see that it is not root.
USER 65532:65532
# There is no HEALTHCHECK, as it depends on the subcommand what is healthy; docker-compose.yml has those of run and
# target. probe asks an HTTP server for a path, as there is no shell and no curl.
ENTRYPOINT ["loadrig"]
