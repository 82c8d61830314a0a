# The worker alone: a static binary and the authorities that public servers'
# certificates come from. Settings are environment variables, see --help.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=devel
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=$VERSION" -o /xmpp-notifier ./cmd/xmpp-notifier

FROM scratch
ARG VERSION=devel REVISION=unknown
LABEL org.opencontainers.image.title="xmpp-notifier" \
      org.opencontainers.image.description="Carries notifications from NATS JetStream and Kafka into an XMPP chat room" \
      org.opencontainers.image.source="https://github.com/xmpp-notifier/xmpp-notifier" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/LICENSE /
COPY --from=build /xmpp-notifier /
USER 65532:65532
ENTRYPOINT ["/xmpp-notifier"]
