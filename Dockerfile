FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /loadrig ./cmd/loadrig

FROM debian:12-slim
# The slim image has no certificate authorities, and wss:// needs them.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /loadrig /usr/local/bin/loadrig
# By number, so that an orchestrator can see that it is not root.
USER 65532:65532
ENTRYPOINT ["loadrig"]
