# The worker alone: a static binary and the authorities that public servers'
# certificates come from. Settings are environment variables, see --help.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=devel
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH GOFLAGS=-buildvcs=false VERSION=$VERSION make build

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
COPY --from=build /src/bin/xmpp-notifier /
USER 65532:65532
ENV ADMIN_ADDR=:9464
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/xmpp-notifier", "health"]
ENTRYPOINT ["/xmpp-notifier"]
