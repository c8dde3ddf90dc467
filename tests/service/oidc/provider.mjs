// A certified OpenID Connect provider for the tests: whoever comes is signed in at
// once as the person whom /as?who=NAME named last. It tells the address that /tells?url=
// named of sign-outs, and signs any claims with /signs, so that words can be forged.
// Prints its address.
import { createServer } from "node:http";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const people = JSON.parse(process.env.PEOPLE);
const method = process.env.METHOD ?? "client_secret_basic";
const alg = process.env.ALGORITHM ?? "RS256";
let who = Object.keys(people)[0];
// Its own client lets it speak to nobody on this machine, and our address is not known yet.
const RELAYED = "http://desk.example.org/told";
let told;

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const keys = { own: await generateKeyPair(alg, { extractable: true }), other: await generateKeyPair(alg) };
const own = { ...(await exportJWK(keys.own.privateKey)), kid: "own", alg, use: "sig" };

const proof = method === "private_key_jwt"
  ? { jwks: { keys: JSON.parse(process.env.CLIENT_KEYS) }, token_endpoint_auth_signing_alg: "RS512" }
  : { client_secret: "a secret of +/ and %" };

const provider = new Provider(issuer, {
  clients: [{
    client_id: "accord",
    application_type: "native",
    redirect_uris: ["http://127.0.0.1/sign-in/callback"],
    post_logout_redirect_uris: ["http://127.0.0.1/"],
    token_endpoint_auth_method: method,
    backchannel_logout_uri: RELAYED,
    backchannel_logout_session_required: true,
    id_token_signed_response_alg: alg,
    ...proof,
  }],
  jwks: { keys: [own] },
  enabledJWA: {
    clientAuthSigningAlgValues: ["RS256", "RS512", "PS256"],
    idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "ES384", "EdDSA"],
  },
  scopes: ["openid", "profile", "nationalrbacaccess", "selectedrole"],
  claims: {
    openid: ["sub"],
    profile: ["groups"],
    nationalrbacaccess: ["nhsid_nrbac_roles", "nhsid_useruid"],
    selectedrole: ["selected_roleid"],
    acr: null,
    auth_time: null,
    sid: null,
  },
  acrValues: ["AAL3_ANY"],
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc;
    const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile nationalrbacaccess selectedrole");
    grant.addOIDCClaims(["groups", "nhsid_nrbac_roles", "nhsid_useruid", "selected_roleid"]);
    await grant.save();
    return grant;
  },
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url === RELAYED ? told : url, options),
  cookies: { keys: ["for tests only"] },
});

const handled = provider.callback();
server.on("request", async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname === "/as") {
    who = url.searchParams.get("who");
    response.end("yes");
  } else if (url.pathname === "/tells") {
    told = url.searchParams.get("url");
    response.end("yes");
  } else if (url.pathname === "/signs") {
    const { key = "own", typ, ...rest } = Object.fromEntries(url.searchParams);
    const token = new SignJWT(JSON.parse(rest.claims)).setProtectedHeader({ alg, kid: "own", typ });
    response.end(await token.sign(keys[key].privateKey));
  } else if (url.pathname.startsWith("/interaction/")) {
    const { prompt } = await provider.interactionDetails(request, response);
    const login = { accountId: who, acr: people[who].acr ?? "AAL3_ANY" };
    // A native client, whose address may have any port, is asked for consent each time.
    const result = prompt.name === "login" ? { login } : { consent: {} };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  } else {
    handled(request, response);
  }
});
console.log(`provider on ${issuer}`);
