// A file of the assets, with an origin for apps in its headers. Files have the same ones wherever they are deployed. With the address
// of a server, pages have that; none that a browser has stored is taken for one.
export async function fileOf(assets, request, framed, server) {
  const asked = new Request(request);
  if (server) asked.headers.delete("if-none-match");
  const answer = await assets.fetch(asked);
  const policy = answer.headers.get("content-security-policy");
  if (policy === null) return answer;
  const file = new Response(answer.body, answer);
  file.headers.set("content-security-policy", policy.replace("frame-src 'self'", `frame-src ${framed}`));
  if (!framed.startsWith("'")) {
    const permissions = answer.headers.get("permissions-policy") ?? "";
    file.headers.set("permissions-policy", permissions.replace(/\b(camera|microphone|geolocation)=\(\)/g, `$1=(self "${framed}")`));
  }
  if (!server || !/^text\/html\b/.test(answer.headers.get("content-type") ?? "")) return file;
  return new HTMLRewriter().on("html", { element: (html) => void html.setAttribute("data-server", server) }).transform(file);
}
