# One static binary, an unprivileged user, one data volume.
FROM golang:1.26-alpine AS build
RUN apk add --no-cache gcc musl-dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=1 go build -trimpath -tags osusergo,netgo,sqlite_omit_load_extension,timetzdata -ldflags '-s -w -linkmode external -extldflags "-static"' -o /volenti ./cmd/volenti \
 && mkdir -m 700 /data

FROM scratch
COPY --from=build /volenti /volenti
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
ENV VOLENTI_DATA=/data VOLENTI_LISTEN=0.0.0.0:8080 VOLENTI_LOG_FORMAT=json
EXPOSE 8080
ENTRYPOINT ["/volenti"]
CMD ["serve"]
