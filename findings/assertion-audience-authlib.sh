#!/usr/bin/env bash
# A signed client assertion (private_key_jwt) of openid-client, checked by Authlib: both sides are right by a document, and the client is refused.
#
# RFC 7523, section 3, lets the audience of an assertion be the token endpoint's URL, and servers were written to it. openid-client sends
# the issuer's name and nothing else. Authlib compares with the URL that its class was made with, the token URL in its own example. So a
# client with a right key, a right clock and a right kid is "invalid_client". It can be told to send the token URL, by a hook on the payload.
# libzeebe sends the token URL, and token_options.assertion_audience says otherwise.
#
# Seen: openid-client 6.9.0 (Node 20.20.2), Authlib 1.9.6 on Flask 3.1.3 (Python 3.11.7).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check Authlib==1.9.6 Flask==3.1.3
npm install --silent --no-fund --no-audit openid-client@6.9.0

cat > server.py <<'E'
import json, logging, sys, threading
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from flask import Flask
from joserfc.jwk import KeySet
from werkzeug.serving import make_server

class Client(ClientMixin):
    def get_client_id(self): return "worker"
    def get_allowed_scope(self, scope): return ""
    def check_endpoint_auth_method(self, method, endpoint): return method == "private_key_jwt"
    def check_grant_type(self, grant): return grant == "client_credentials"

class Grant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]

class Assertion(JWTBearerClientAssertion):
    CLIENT_AUTH_METHOD = "private_key_jwt"
    def validate_jti(self, claims, jti): return True
    def resolve_client_public_key(self, client): return KeySet.import_key_set({"keys": [json.loads(sys.argv[1])]})

app = Flask(__name__)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
listener = make_server("127.0.0.1", 0, app, threaded=True)
server = AuthorizationServer(app, query_client={"worker": Client()}.get, save_token=lambda token, request: None)
server.register_grant(Grant)
server.register_client_auth_method("private_key_jwt", Assertion(f"http://127.0.0.1:{listener.server_port}/token"))
app.post("/token")(lambda: server.create_token_response())
threading.Thread(target=listener.serve_forever, daemon=True).start()
print(listener.server_port, flush=True)
sys.stdin.read()
E
cat > client.mjs <<'E'
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as client from "openid-client";
const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
const server = spawn("py/bin/python", ["server.py", JSON.stringify({ kty, crv, x, y, kid: "1" })], { stdio: ["pipe", "pipe", "inherit"] });
const issuer = `http://127.0.0.1:${String((await once(server.stdout, "data"))[0]).trim()}`;
for (const url of [null, `${issuer}/token`]) {
  let sent;
  const hook = { [client.modifyAssertion]: (header, payload) => { payload.aud = url ?? payload.aud; sent = payload.aud; } };
  const method = client.PrivateKeyJwt({ key: privateKey, kid: "1" }, hook);
  const config = new client.Configuration({ issuer, token_endpoint: `${issuer}/token` }, "worker", {}, method);
  client.allowInsecureRequests(config);
  const said = await client.clientCredentialsGrant(config).then(() => "token", (error) => `refused, ${error.status} ${error.error ?? ""}`);
  console.log(`${url ? "told" : "by itself"}, aud ${JSON.stringify(sent).replaceAll(issuer, "ISSUER")}: ${said}`);
}
server.stdin.end();
E
node client.mjs | tee seen

diff seen - <<'E' && echo "as it was seen"
by itself, aud "ISSUER": refused, 400 invalid_client
told, aud "ISSUER/token": token
E
