// A file of the assets, with an origin for apps in its headers. Files have the same ones wherever they are deployed.
export async function fileOf(assets, request, framed) {
  const answer = await assets.fetch(request);
  const policy = answer.headers.get("content-security-policy");
  if (policy === null) return answer;
  const file = new Response(answer.body, answer);
  file.headers.set("content-security-policy", policy.replace("frame-src 'self'", `frame-src ${framed}`));
  if (framed.startsWith("'")) return file;
  const permissions = answer.headers.get("permissions-policy") ?? "";
  file.headers.set("permissions-policy", permissions.replace(/\b(camera|microphone|geolocation)=\(\)/g, `$1=(self "${framed}")`));
  return file;
}
