#!/usr/bin/env bash
# A request whose fields are exactly as long as SETTINGS_MAX_HEADER_LIST_SIZE says, counted as RFC 9113 counts, sent by Python's h2 to Rust's h2,
# which hyper and tonic stand on: 431. A byte less is served.
#
# Section 6.5.2 has the setting as the size "that the sender is prepared to accept", so that a client that keeps to it refuses what is larger, by itself
# and in words of its own. This one length passes the client's check and fails at the server that named it: a status of HTTP in place
# of the client's error, in gRPC another code. Nobody looks there: with a value that is much too long or much too short both sides agree.
# libzeebe refuses what is larger, too (RESOURCE_EXHAUSTED, where 431 is INTERNAL), and its test of this limit stays one below it.
#
# Seen: h2 0.4.20 (Rust 1.95.0), h2 4.4.1 (Python 3.11.7).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check h2==4.4.1

cargo init --quiet --vcs none --name meet 2> /dev/null
cat >> Cargo.toml <<'E'
h2 = "=0.4.20"
http = "1"
tokio = { version = "1", features = ["macros", "net", "rt"] }
E
cat > src/main.rs <<'E'
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let (socket, _) = listener.accept().await.unwrap();
    let mut server = h2::server::Builder::new();
    let mut connection = server.max_header_list_size(1000).handshake::<_, &[u8]>(socket).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        respond.send_response(http::Response::new(()), true).unwrap();
    }
}
E
cargo build --quiet
cat > client.py <<'E'
import socket, sys
import h2.connection, h2.events, h2.settings

sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection = h2.connection.H2Connection()
connection.initiate_connection()
sock.sendall(connection.data_to_send())

def until(kind):
    while data := sock.recv(65536):
        events = connection.receive_data(data)
        sock.sendall(connection.data_to_send())
        for event in events:
            if isinstance(event, kind):
                return event

until(h2.events.RemoteSettingsChanged)
limit = connection.remote_settings.max_header_list_size
fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "localhost"), ("x", "")]
size = lambda fields: sum(len(name) + len(value) + 32 for name, value in fields)
for more in (-1, 0, 1):
    fields[-1] = ("x", "")
    fields[-1] = ("x", "y" * (limit + more - size(fields)))
    connection.send_headers(connection.get_next_available_stream_id(), fields, end_stream=True)
    sock.sendall(connection.data_to_send())
    print(f"limit {limit}, list {size(fields)}: {dict(until(h2.events.ResponseReceived).headers)[b':status'].decode()}")
E
coproc server { exec target/debug/meet; }
read -r port <&"${server[0]}"
py/bin/python client.py "$port" | tee seen

diff seen - <<'E' && echo "as it was seen"
limit 1000, list 999: 200
limit 1000, list 1000: 431
limit 1000, list 1001: 431
E
