// Makes a client's keys in a directory: rs256.pem and es256.pem, which are private, and jwks.json, which the
// authorization server gets. The key ids are the algorithms.
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const [directory] = process.argv.slice(2);
const pairs = {
  RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
};
const keys = Object.entries(pairs).map(([alg, { publicKey, privateKey }]) => {
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  writeFileSync(join(directory, `${alg.toLowerCase()}.pem`), pem, { mode: 0o600 });
  return { ...publicKey.export({ format: "jwk" }), kid: alg, alg, use: "sig" };
});
writeFileSync(join(directory, "jwks.json"), JSON.stringify({ keys }));
