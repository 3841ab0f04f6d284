// Tokens as the playground's page gets them, for tests that have no page.
import { client } from "./sign-in.mjs";

/** An access token for the resource `/playground` with that scope, of a person by that name. */
export async function tokenOf(at, name, scope) {
  const own = await client(at);
  const link = own.link({ scope, resource: `${at.url}/playground` });
  const cookies = new Map();
  const keep = (response) => {
    for (const line of response.headers.getSetCookie()) cookies.set(...line.split(";")[0].split(/=(.*)/s).slice(0, 2));
    return response;
  };
  const headers = () => ({ cookie: [...cookies].map((pair) => pair.join("=")).join("; "), origin: at.url, "content-type": "application/x-www-form-urlencoded" });
  const page = await keep(await fetch(link)).text();
  const field = (of) => new RegExp(`name="${of}" value="([^"]*)"`).exec(page)[1];
  const body = new URLSearchParams({ flow: field("flow"), csrf: field("csrf"), decision: "approve", name });
  let response = keep(await fetch(`${at.url}/authorize`, { method: "POST", headers: headers(), body, redirect: "manual" }));
  for (let hops = 0; hops < 5 && !new URL(response.headers.get("location"), at.url).searchParams.has("code"); hops++) {
    response = keep(await fetch(new URL(response.headers.get("location"), at.url), { headers: headers(), redirect: "manual" }));
  }
  return (await own.redeem(new URL(response.headers.get("location"), at.url).searchParams.get("code"))).access_token;
}
