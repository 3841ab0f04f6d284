// Headers of CORS that a server has to send to this page, as texts for what servers are made with.

interface Demand {
  origin: string;
  /** The step of a sign-in that the request is of; none for one to the server itself. */
  step: string | undefined;
  method: string;
  /** Headers of the request that need permission. */
  headers: string[];
  path: string;
}

/** Headers that clients send to a server, each of which needs permission. */
const OF_CLIENTS = ["authorization", "content-type", "accept", "last-event-id", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"];

const READ_BY_CLIENTS = ["mcp-session-id", "www-authenticate", "retry-after"];

/** The texts, each with a label. */
export function corsTexts({ origin, step, method, headers, path }: Demand): { label: string; text: string }[] {
  const methods = step ? [method] : ["GET", "POST", "DELETE"];
  const allowed = [...new Set([...(step ? [] : OF_CLIENTS), ...headers])];
  const exposed = step ? ["www-authenticate"] : READ_BY_CLIENTS;
  const fields: [string, string][] = [
    ["Access-Control-Allow-Origin", origin],
    ["Access-Control-Allow-Methods", methods.join(", ")],
    ...(allowed.length > 0 ? [["Access-Control-Allow-Headers", allowed.join(", ")] as [string, string]] : []),
    ["Access-Control-Expose-Headers", exposed.join(", ")],
  ];
  const json = (list: string[]) => `[${list.map((item) => JSON.stringify(item)).join(", ")}]`;
  return [
    { label: "HTTP", text: fields.map(([name, value]) => `${name}: ${value}`).join("\n") },
    {
      label: "Cloudflare Workers",
      text: `const CORS = {
${fields.map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},`).join("\n")}
};

export default {
  async fetch(request, env, context) {
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
    const answer = await handle(request, env, context);
    const response = new Response(answer.body, answer);
    for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
    return response;
  },
};`,
    },
    {
      label: "Express",
      text: `import cors from "cors";

app.use(cors({
  origin: ${JSON.stringify(origin)},
  methods: ${json(methods)},
  allowedHeaders: ${json(allowed)},
  exposedHeaders: ${json(exposed)},
}));`,
    },
    {
      label: "nginx",
      text: `location ${path} {
${fields.map(([name, value]) => `  add_header ${name} "${value}" always;`).join("\n")}
  if ($request_method = OPTIONS) {
    return 204;
  }
  # proxy_pass ..
}`,
    },
    {
      label: "FastMCP (Starlette)",
      text: `from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

cors = Middleware(
    CORSMiddleware,
    allow_origins=[${JSON.stringify(origin)}],
    allow_methods=${json(methods)},
    allow_headers=${json(allowed)},
    expose_headers=${json(exposed)},
)
app = mcp.http_app(middleware=[cors])`,
    },
  ];
}
