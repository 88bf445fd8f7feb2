# The page and its API in one program, for any S3 (docs/standalone.md).
#
#   docker build --tag slipway .

FROM rust:1.95.0-slim-trixie AS page
WORKDIR /source
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nodejs npm \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add wasm32-unknown-unknown
COPY . .
RUN cargo xtask dist page

FROM rust:1.95.0-slim-trixie AS program
WORKDIR /source
COPY . .
RUN cargo build --locked --release --package local --bin standalone

FROM debian:13.2-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin slipway
COPY --from=program /source/target/release/standalone /usr/local/bin/slipway
COPY --from=page /source/target/slipway-page/release /srv/slipway
USER 10001
EXPOSE 8080
ENTRYPOINT ["slipway", "--page", "/srv/slipway", "--listen", "0.0.0.0:8080"]
