#!/usr/bin/env bash
# A client secret with a space, sent by openid-client and read by Authlib: each follows a document, and the client is refused.
#
# RFC 6749, section 2.3.1, has id and secret form-encoded before they go into HTTP Basic, and form-encoding writes a space as "+".
# openid-client does that. Authlib's server undoes %XX and leaves "+" as it is. So a client with a space in its secret is unknown by
# its secret (401), while ":", "%" and "é" in it do no harm, and while a client that
# encodes nothing gets in with all of them.
# Nobody looks there: the same client works against servers that decode forms, the same secret works from other clients.
# libzeebe writes a space as %20 for this reason, which every server seen here reads.
#
# Seen: openid-client 6.9.0 (Node 20.20.2), Authlib 1.9.6 on Flask 3.1.3 (Python 3.11.7).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check Authlib==1.9.6 Flask==3.1.3 requests==2.32.5
npm install --silent --no-fund --no-audit openid-client@6.9.0

cat > server.py <<'E'
import json, logging, sys, threading
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from flask import Flask
from werkzeug.serving import make_server

class Client(ClientMixin):
    def __init__(self, id, secret): self.id, self.secret = id, secret
    def get_client_id(self): return self.id
    def get_allowed_scope(self, scope): return ""
    def check_client_secret(self, secret): return secret == self.secret
    def check_endpoint_auth_method(self, method, endpoint): return method == "client_secret_basic"
    def check_grant_type(self, grant): return grant == "client_credentials"

app = Flask(__name__)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
clients = {id: Client(id, secret) for id, secret in json.loads(sys.argv[1]).items()}
server = AuthorizationServer(app, query_client=clients.get, save_token=lambda token, request: None)
server.register_grant(ClientCredentialsGrant)
app.post("/token")(lambda: server.create_token_response())
listener = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=listener.serve_forever, daemon=True).start()
print(listener.server_port, flush=True)
sys.stdin.read()
E
cat > client.mjs <<'E'
import * as client from "openid-client";
const [issuer, clients] = [process.argv[2], JSON.parse(process.argv[3])];
for (const [id, secret] of Object.entries(clients)) {
  const config = new client.Configuration({ issuer, token_endpoint: `${issuer}/token` }, id, {}, client.ClientSecretBasic(secret));
  client.allowInsecureRequests(config);
  const said = await client.clientCredentialsGrant(config).then(() => "token", (error) => `refused, ${error.status}`);
  console.log(`openid-client, ${id}: ${said}`);
}
E
cat > client.py <<'E'
import json, sys
from authlib.integrations.requests_client import OAuth2Session
for id, secret in json.loads(sys.argv[2]).items():
    answer = OAuth2Session(id, secret).post(sys.argv[1] + "/token", data={"grant_type": "client_credentials"}, auth=(id, secret.encode()), withhold_token=True).json()
    print(f"HTTP Basic as it is, {id}: {answer.get('error', 'token')}")
E
clients='{"plain": "two-words", "space": "two words", "others": "a:b%c\u00e9"}'
coproc server { exec py/bin/python server.py "$clients"; }
read -r port <&"${server[0]}"
{ node client.mjs "http://127.0.0.1:$port" "$clients"; py/bin/python client.py "http://127.0.0.1:$port" "$clients"; } | tee seen
exec {server[1]}>&-

diff seen - <<'E' && echo "as it was seen"
openid-client, plain: token
openid-client, space: refused, 401
openid-client, others: token
HTTP Basic as it is, plain: token
HTTP Basic as it is, space: token
HTTP Basic as it is, others: token
E
