#!/usr/bin/env bash
# A scope that is misspelt, asked of oidc-provider by openid-client: 200 and a token, without the scope and without a word, from both.
#
# RFC 6749 leaves a server the choice: invalid_scope, or a token of another scope, which it must then name (section 5.1). oidc-provider does
# the first for a scope that it knows and the client may not have, and neither for one that it does not know: the answer has no `scope`
# at all, which by the same section means "as it was asked for". openid-client hands the token out. The refusal comes from the API behind,
# as 403 and with a valid token, and whoever looks for it looks there. A client's typo and a server's missing entry look the same;
# the same typo is 400 at Keycloak, Spring and fosite, so that a set-up that was tried against one of them proves nothing.
# libzeebe therefore says in the gateway's refusal which scope was asked for.
#
# Seen: oidc-provider 9.13.3, openid-client 6.9.0 (Node 20.20.2).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-fund --no-audit oidc-provider@9.13.3 openid-client@6.9.0

cat > meet.mjs <<'E'
import { createServer } from "node:http";
import * as client from "openid-client";
import { Provider } from "oidc-provider";

const server = createServer().listen(0, "127.0.0.1", async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "worker", client_secret: "letters", grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: "jobs" }],
    scopes: ["jobs", "admin"],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  });
  server.on("request", provider.callback());
  const config = await client.discovery(new URL(issuer), "worker", "letters", undefined, { execute: [client.allowInsecureRequests] });
  for (const scope of ["jobs", "admin", "jbos", "jobs jbos", "jobs admin"]) {
    const said = await client.clientCredentialsGrant(config, { scope }).then(
      (token) => `a token, scope ${JSON.stringify(token.scope) ?? "not there"}`,
      (error) => `refused, ${error.status} ${error.error}`,
    );
    console.log(`${scope}: ${said}`);
  }
  process.exit();
});
E
node meet.mjs 2>/dev/null | grep ': a token\|: refused' | tee seen

diff seen - <<'E' && echo "as it was seen"
jobs: a token, scope "jobs"
admin: refused, 400 invalid_scope
jbos: a token, scope not there
jobs jbos: a token, scope "jobs"
jobs admin: refused, 400 invalid_scope
E
