#!/usr/bin/env bash
# A connection that nghttpx closes because it was idle, seen with Python's h2 and hyperframe: it ends without a GOAWAY.
#
# RFC 9113, section 6.8, has a server send GOAWAY before it closes a connection (SHOULD), so that a client knows which of its requests were not
# processed and may be sent again. nghttpx sends one for a connection that has had its number of requests (frontend-max-requests), and none at the end
# of frontend-http2-read-timeout, three minutes by default. A request that is sent at that moment is lost, and nobody can know whether the
# server has had it. Nobody looks there: a connection that is at rest is replaced, and only a call that comes within a moment of the time-out fails.
# What helps: a time-out that is longer than any pause, or a client that leaves idle connections first.
#
# Seen: nghttpx 1.52.0 (Debian), h2 4.4.1, hyperframe 6.1.0 (Python 3.11.7).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"

apt-get -qq -o APT::Sandbox::User=root download nghttp2-proxy=1.52.0-1+deb12u3 libnghttp2-14 libc-ares2 libev4 libjemalloc2
for package in *.deb; do dpkg --extract "$package" nghttpx; done
python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check h2==4.4.1 hyperframe==6.1.0

cat > client.py <<'E'
import socket, sys
import h2.connection
from hyperframe.frame import Frame, GoAwayFrame, HeadersFrame, SettingsFrame

def meet(requests):
    """Sends requests, and reads frames to the connection's end."""
    sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    for index in range(requests):
        fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "localhost")]
        connection.send_headers(2 * index + 1, fields, end_stream=True)
    sock.sendall(connection.data_to_send())
    reader = sock.makefile("rb")
    answers, end = 0, "no GOAWAY"
    while header := reader.read(9):
        frame, length = Frame.parse_frame_header(memoryview(header))
        frame.parse_body(memoryview(reader.read(length)))
        if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            sock.sendall(SettingsFrame(0, flags=["ACK"]).serialize())
        answers += isinstance(frame, HeadersFrame)
        if isinstance(frame, GoAwayFrame):
            end = f"GOAWAY {frame.error_code}, last stream {frame.last_stream_id}"
    print(f"{answers} answers, {end}, FIN")

meet(1)
meet(3)
E
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Nothing listens behind it: the answers are 502, its own.
cat > nghttpx.conf <<E
frontend=127.0.0.1,$port;no-tls
backend=127.0.0.1,1;;proto=h2
frontend-http2-read-timeout=2s
frontend-max-requests=3
pid-file=$work/pid
errorlog-file=$work/error.log
workers=1
E
LD_LIBRARY_PATH=$(echo "$work"/nghttpx/usr/lib/*-linux-gnu) nghttpx/usr/sbin/nghttpx --conf=nghttpx.conf 2> /dev/null &
until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do sleep 0.1; done
py/bin/python client.py "$port" | tee seen

diff seen - <<'E' && echo "as it was seen"
1 answers, no GOAWAY, FIN
3 answers, GOAWAY 0, last stream 2147483647, FIN
E
