// An authorization server by oidc-provider, on a free loopback port: `node server.mjs SETTINGS`, a JSON file with
// `clients` (OpenID Connect client metadata), `scope`, `lifetime` of tokens in seconds, and `audiences`. Prints a line of JSON,
// {"issuer": …}, when it listens; ends when its standard input is closed.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const { clients, scope, lifetime } = JSON.parse(readFileSync(process.argv[2]));

// Access tokens are JWTs for the resource that is asked for (RFC 9068, RFC 8707). libzeebe names it by `audience`.
const resourceIndicators = {
  enabled: true,
  defaultResource: (ctx) => ctx.oidc.body.audience,
  getResourceServerInfo: (ctx, audience) => ({
    audience,
    scope,
    accessTokenFormat: "jwt",
    accessTokenTTL: lifetime,
    jwt: { sign: { alg: "RS256" } },
  }),
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: "issuer", alg: "RS256", use: "sig" };
  const provider = new Provider(issuer, {
    clients: clients.map((client) => ({
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope,
      ...client,
    })),
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators,
    },
    jwks: { keys: [key] },
    scopes: [scope],
  });
  server.on("request", provider.callback());
  console.log(JSON.stringify({ issuer }));
});
process.stdin.resume().on("end", () => process.exit());
