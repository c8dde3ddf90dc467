// A certified OpenID Connect provider for the tests: whoever comes is signed in at
// once as the person whom POST /as?who=NAME named last. Prints its address.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const people = JSON.parse(process.env.PEOPLE);
let who = Object.keys(people)[0];

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: "accord",
    client_secret: "a secret of +/ and %",
    application_type: "native",
    redirect_uris: ["http://127.0.0.1/sign-in/callback"],
    post_logout_redirect_uris: ["http://127.0.0.1/"],
    token_endpoint_auth_method: process.env.METHOD ?? "client_secret_basic",
  }],
  scopes: ["openid", "profile", "nationalrbacaccess", "selectedrole"],
  claims: {
    openid: ["sub"],
    profile: ["groups"],
    nationalrbacaccess: ["nhsid_nrbac_roles", "nhsid_useruid"],
    selectedrole: ["selected_roleid"],
    acr: null,
    auth_time: null,
  },
  acrValues: ["AAL3_ANY"],
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
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
  cookies: { keys: ["for tests only"] },
});

const handled = provider.callback();
server.on("request", async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname === "/as") {
    who = url.searchParams.get("who");
    response.end("yes");
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
