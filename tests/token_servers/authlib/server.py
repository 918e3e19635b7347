"""An authorization server by Authlib on Flask, on a free loopback port: `server.py SETTINGS`. Settings and output are
those of ../oidc-provider/server.mjs."""

import json
import logging
import sys
import threading

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.util import list_to_scope, scope_to_list
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, jsonify, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

with open(sys.argv[1]) as file:
    SETTINGS = json.load(file)
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
KEY = RSAKey.generate_key(2048, {"kid": "issuer", "alg": "RS256", "use": "sig"})

app = Flask(__name__)
listener = make_server("127.0.0.1", 0, app, threaded=True)
issuer = f"http://127.0.0.1:{listener.server_port}"


class Client(ClientMixin):
    def __init__(self, metadata):
        self.metadata = metadata

    def get_client_id(self):
        return self.metadata["client_id"]

    def get_allowed_scope(self, scope):
        return list_to_scope([name for name in scope_to_list(scope or "") if name == SETTINGS["scope"]])

    def check_client_secret(self, secret):
        return secret == self.metadata["client_secret"]

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.metadata["token_endpoint_auth_method"]

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class Grant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class Assertion(JWTBearerClientAssertion):
    CLIENT_AUTH_METHOD = "private_key_jwt"

    seen = set()

    def validate_jti(self, claims, jti):
        new = jti not in self.seen
        self.seen.add(jti)
        return new

    def resolve_client_public_key(self, client, headers):
        # Authlib leaves it to the program to hold a client to its algorithm.
        if headers["alg"] != client.metadata["token_endpoint_auth_signing_alg"]:
            raise InvalidClientError(description="another algorithm")
        return KeySet.import_key_set(client.metadata["jwks"])


class Tokens(JWTBearerTokenGenerator):
    def get_jwks(self):
        return KeySet([KEY])

    def get_audiences(self, client, user, scope):
        return request.form.get("audience") or super().get_audiences(client, user, scope)


clients = {metadata["client_id"]: Client(metadata) for metadata in SETTINGS["clients"]}
server = AuthorizationServer(app, query_client=clients.get, save_token=lambda token, request: None)
server.register_grant(Grant)
server.register_client_auth_method("private_key_jwt", Assertion(f"{issuer}/token"))
server.register_token_generator("default", Tokens(issuer, expires_generator=lambda client, grant: SETTINGS["lifetime"]))


@app.post("/token")
def token():
    return server.create_token_response()


@app.get("/jwks")
def jwks():
    return jsonify(keys=[KEY.as_dict(private=False)])


@app.get("/.well-known/openid-configuration")
def configuration():
    return jsonify(issuer=issuer, token_endpoint=f"{issuer}/token", jwks_uri=f"{issuer}/jwks")


logging.getLogger("werkzeug").setLevel(logging.WARNING)
threading.Thread(target=listener.serve_forever, daemon=True).start()
print(json.dumps({"issuer": issuer}), flush=True)
sys.stdin.read()
