// Authentication of clients: behaviours 41 to 46, and what else ours takes or refuses at the token endpoint.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { behaviours } from "../../behaviours/client-auth.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { basic, granted, ours, refused } from "../../support/oauth.mjs";

testOurs(behaviours);

const target = await ours();
after(() => target.stop());

const url = target.metadata.token_endpoint;

test("a client without a named auth method may use basic or post", async () => {
  const client = await target.register({ token_endpoint_auth_method: undefined });
  assert.equal(client.token_endpoint_auth_method, "client_secret_basic");
  for (const auth of ["client_secret_basic", "client_secret_post"]) {
    granted(await target.exchange(await target.authorized({ client }), { auth }));
  }
  refused(await target.exchange(await target.authorized({ client }), { auth: "none" }), "invalid_client", 401);
});

test("an unknown client is refused with every auth method", async () => {
  const fields = { grant_type: "refresh_token", refresh_token: "x" };
  refused(await target.form(url, { ...fields, client_id: "unknown" }), "invalid_client", 401);
  refused(await target.form(url, { ...fields, client_id: "unknown", client_secret: "x" }), "invalid_client", 401);
  refused(await target.form(url, fields), "invalid_client", 401);
  const answer = await target.form(url, fields, { headers: { authorization: basic("unknown", "x") } });
  refused(answer, "invalid_client", 401);
  assert.match(answer.headers["www-authenticate"], /^Basic realm="/);
});

test("a client assertion is refused and not ignored", async () => {
  const client = await target.register();
  const authorized = await target.authorized({ client });
  const asserted = {
    client_assertion: "e30.e30.",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  };
  refused(await target.exchange(authorized, asserted), "invalid_client", 401);
  granted(await target.exchange(authorized));
});

test("no response of the endpoint is cached, errors included", async () => {
  const client = await target.register();
  const confidential = await target.registerConfidential();
  for (const answer of [
    await target.token(client, {}),
    await target.token(client, { grant_type: "refresh_token", refresh_token: "x" }),
    await target.token({ ...confidential, client_secret: "wrong" }, { grant_type: "refresh_token" }),
    (await target.signIn({ client })).answer,
  ]) {
    assert.match(answer.headers["cache-control"] ?? "", /no-store/, `${answer}`);
    assert.match(answer.headers["content-type"], /^application\/json/);
  }
});

test("the token endpoint accepts form-encoded bodies alone", async () => {
  const { client_id } = await target.register();
  const type = "Application/X-WWW-Form-URLencoded; charset=UTF-8";
  const body = `grant_type=refresh_token&client_id=${client_id}&refresh_token=%78`;
  refused(await target.send("POST", url, { headers: { "content-type": type }, body }), "invalid_grant");
  for (const body of ["grant_type=%zz", "grant_type=%ff", `grant_type=%E2%82&client_id=${client_id}`]) {
    refused(await target.form(url, body), "invalid_request");
  }
  refused(await target.form(`${url}?grant_type=refresh_token`, { client_id, refresh_token: "x" }), "invalid_request");
});

test("an oversized form is refused in time", async () => {
  const { client_id } = await target.register();
  const answer = await target.form(url, { client_id, grant_type: "refresh_token", refresh_token: "x".repeat(100_000) });
  refused(answer, "invalid_request", 413);
  const long = await target.form(url, { client_id, grant_type: "refresh_token", refresh_token: "x".repeat(20_000) });
  refused(long, "invalid_grant");
});

test("errors repeat no input but a shortened parameter name", async () => {
  const nasty = '"</script><script>alert(1)</script>\\';
  const client = await target.register();
  for (const fields of [{ grant_type: nasty }, { grant_type: "refresh_token", refresh_token: "x", scope: nasty }]) {
    const answer = await target.token(client, fields);
    assert.equal(answer.status, 400, `${answer}`);
    assert.ok(!answer.text.includes("script>"), answer.text);
  }
  const twice = await target.token(client, { [nasty.repeat(9)]: ["a", "b"] });
  refused(twice, "invalid_request");
  assert.match(twice.json.error_description, /^[^"\\]{1,80}$/);
});
