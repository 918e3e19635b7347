#!/usr/bin/env bash
# A scope with a plus, asked of oidc-provider by @camunda8/sdk: a token of another scope comes, by two habits that each look harmless.
#
# "+" may stand in a scope (RFC 6749, section 3.3). The SDK puts the scope into the form of its token request as it is, so that the server reads
# "jobs read", two scopes; oidc-provider gives the one that it knows, leaves the other out, and answers 200. Id and secret are
# encoded by the SDK, so a look at its other fields says that all is well; with scopes of letters alone nothing is ever seen of it.
# The first sign is the gateway's 403 with a token that is valid. Who percent-encodes the variable has the right scope here, and loses it
# in a client that encodes it itself, as openid-client and libzeebe do: there is no value that serves both.
#
# Seen: @camunda8/sdk 8.8.13 and openid-client 6.9.0 as a control (Node 20.20.2), oidc-provider 9.13.3.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-fund --no-audit --ignore-scripts @camunda8/sdk@8.8.13 oidc-provider@9.13.3 openid-client@6.9.0

cat > meet.mjs <<'E'
import { createServer } from "node:http";
import sdk from "@camunda8/sdk/dist/oauth/index.js";
import * as client from "openid-client";
import { Provider } from "oidc-provider";

let granted;
const server = createServer().listen(0, "127.0.0.1", async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const worker = { client_id: "worker", client_secret: "let+ters", grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: "jobs jobs+read", token_endpoint_auth_method: "client_secret_post" };
  const provider = new Provider(issuer, {
    clients: [worker],
    scopes: ["jobs", "jobs+read"],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      // The SDK wants tokens to be JWTs.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:zeebe",
        getResourceServerInfo: () => ({ scope: "jobs jobs+read", accessTokenFormat: "jwt" }),
      },
    },
  });
  provider.on("grant.success", (ctx) => { granted = ctx.body.scope; });
  provider.on("grant.error", (ctx, error) => { granted = error.message; });
  server.on("request", provider.callback());
  const config = await client.discovery(new URL(issuer), "worker", worker, client.ClientSecretPost("let+ters"), { execute: [client.allowInsecureRequests] });
  for (const scope of ["jobs", "jobs+read", "jobs%2Bread"]) {
    const camunda = new sdk.OAuthProvider({ config: {
      CAMUNDA_OAUTH_URL: `${issuer}/token`, ZEEBE_CLIENT_ID: "worker", ZEEBE_CLIENT_SECRET: "let+ters",
      CAMUNDA_ZEEBE_OAUTH_AUDIENCE: "zeebe", CAMUNDA_TOKEN_SCOPE: scope, CAMUNDA_TOKEN_DISK_CACHE_DISABLE: true,
    } });
    const asked = { "@camunda8/sdk": () => camunda.getHeaders("ZEEBE"), "openid-client": () => client.clientCredentialsGrant(config, { scope }) };
    for (const [name, ask] of Object.entries(asked)) {
      const said = await ask().then(() => "a token", (error) => `refused, ${error.message}`);
      console.log(`${name}, ${scope}: ${said}, scope ${granted ?? "not there"}`);
    }
  }
  process.exit();
});
E
HOME=$work node meet.mjs | grep ', scope ' | tee seen

diff seen - <<'E' && echo "as it was seen"
@camunda8/sdk, jobs: a token, scope jobs
openid-client, jobs: a token, scope jobs
@camunda8/sdk, jobs+read: a token, scope jobs
openid-client, jobs+read: a token, scope jobs+read
@camunda8/sdk, jobs%2Bread: a token, scope jobs+read
openid-client, jobs%2Bread: a token, scope not there
E
