#!/usr/bin/env bash
# Apache httpd before an HTTP/2 server that is silent for longer than ProxyTimeout: the server is sent GOAWAY with the error code 70007.
#
# RFC 9113, section 7, has fourteen codes, and the one for a peer that gives up waiting is CANCEL, on the stream. mod_proxy_http2 sends nothing on the
# stream: it ends the connection with a number that is none of HTTP/2's, APR_TIMEUP, a status of the library that Apache stands on,
# and beside it, as debug data, "Unknown error code". The frame is well-formed, so each server takes it. gRPC C-core's logs this number, which one takes
# for the fault of a client and looks up among HTTP/2's in vain; the proxy's own client has a 503 at the same time, from which nobody
# comes to it. A handler learns of its request's end by the connection's, and not by a reset.
#
# Seen: Apache httpd 2.4.71 (Debian), h2 4.4.1 as client and as server (Python 3.11.7).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"

apt-get -qq -o APT::Sandbox::User=root download apache2-bin=2.4.71-1~deb12u1 libapr1 libaprutil1 libnghttp2-14
for package in *.deb; do dpkg --extract "$package" httpd; done
python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check h2==4.4.1

cat > meet.py <<'E'
import socket, sys, threading
import h2.config, h2.connection, h2.events

def run(sock, is_client, told):
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=is_client))
    connection.initiate_connection()
    if is_client:
        connection.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "localhost")], end_stream=True)
    sock.sendall(connection.data_to_send())
    while data := sock.recv(65536):
        for event in connection.receive_data(data):
            if told(event, connection):
                return
        sock.sendall(connection.data_to_send())

def server(event, connection):
    if isinstance(event, h2.events.StreamReset):
        print(f"server: RST_STREAM {int(event.error_code)}")
    if isinstance(event, h2.events.ConnectionTerminated):
        print(f"server: GOAWAY {int(event.error_code)}, last stream {event.last_stream_id}, {event.additional_data}")
        return True

def client(event, connection):
    if isinstance(event, h2.events.ResponseReceived):
        print(f"client: {dict(event.headers)[b':status'].decode()}")
        return True

behind, port = map(int, sys.argv[1:])
listener = socket.create_server(("127.0.0.1", behind))
serving = threading.Thread(target=lambda: run(listener.accept()[0], False, server))
serving.start()
run(socket.create_connection(("127.0.0.1", port)), True, client)
serving.join()
E
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
behind=$(free) port=$(free)
cat > httpd.conf <<E
ServerRoot $work/httpd/usr/lib/apache2
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule http2_module modules/mod_http2.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http2_module modules/mod_proxy_http2.so
ServerName localhost
DefaultRuntimeDir $work
PidFile $work/pid
ErrorLog $work/error.log
Mutex fcntl:$work
User nobody
Group nogroup
Listen 127.0.0.1:$port
Protocols h2c
ProxyTimeout 1
ProxyPass / h2c://127.0.0.1:$behind/
E
chmod 755 "$work"
LD_LIBRARY_PATH=$(echo "$work"/httpd/usr/lib/*-linux-gnu) httpd/usr/sbin/apache2 -D FOREGROUND -f "$work/httpd.conf" &
until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do sleep 0.1; done
py/bin/python meet.py "$behind" "$port" | sort | tee seen

diff seen - <<'E' && echo "as it was seen"
client: 503
server: GOAWAY 70007, last stream 0, b'Unknown error code'
E
