// Whether a browser sends cookies to a site that only stands in a frame of another one.
import { createServer } from "node:http";

/** Opens, in a page, a site with another one in a frame, which has set a cookie before: whether that comes back. */
export async function thirdParty(page) {
  const server = createServer((request, response) => {
    const inner = `http://localhost:${server.address().port}`;
    const [body, headers] = {
      "/outer": [`<iframe src="${inner}/seen"></iframe>`],
      "/set": ["set", { "set-cookie": "third=party; SameSite=None; Secure; Path=/" }],
      "/seen": [`<p>${request.headers.cookie ?? "nothing"}</p>`],
    }[request.url] ?? ["nothing"];
    response.writeHead(200, { "content-type": "text/html", connection: "close", ...headers });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address();
    await page.goto(`http://localhost:${port}/set`);
    await page.goto(`http://127.0.0.1:${port}/outer`);
    return (await page.frameLocator("iframe").locator("p").innerText()) === "third=party";
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
