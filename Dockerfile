FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /loadrig ./cmd/loadrig

FROM debian:12-slim
RUN useradd --system --no-create-home loadrig
USER loadrig
COPY --from=build /loadrig /usr/local/bin/loadrig
ENTRYPOINT ["loadrig"]
