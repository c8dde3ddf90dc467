// Two RSA keys for a client, and the public half of the first as a JWK.
import { generateKeyPairSync } from "node:crypto";

const [own, other] = [1, 2].map(() => generateKeyPairSync("rsa", { modulusLength: 2048 }));
const pem = (pair, type) => pair.privateKey.export({ type, format: "pem" });
const jwk = { ...own.publicKey.export({ format: "jwk" }), kid: "desk", alg: "RS512", use: "sig" };
console.log(JSON.stringify({ pem: pem(own, "pkcs8"), old: pem(own, "pkcs1"), other: pem(other, "pkcs8"), jwk }));
