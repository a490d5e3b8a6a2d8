# One static binary, an unprivileged user, one data volume.
# docker build --build-arg VERSION=$(git describe --tags) .
FROM golang:1.26-alpine AS build
RUN apk add --no-cache ca-certificates gcc make musl-dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=0.0.0-container
RUN make static OUT=/volenti VERSION=$VERSION \
 && mkdir -m 700 /data

FROM scratch
# Whom it trusts where it calls others: certificate authority, sign-in, mail, webhooks.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /volenti /volenti
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
ENV VOLENTI_DATA=/data VOLENTI_LISTEN=0.0.0.0:8080 VOLENTI_LOG_FORMAT=json
EXPOSE 8080
ENTRYPOINT ["/volenti"]
CMD ["serve"]
