// A server in the configuration of clients: the same texts as on the page at `/`, which
// crates/durable-mcp-worker/src/pages/install.rs writes.

/** A text to copy, for one client. */
export interface Installation {
  client: string;
  /** The file that the text belongs into; a command has none. */
  file?: string;
  /** A package that has to be started in between. */
  through?: string;
  text: string;
}

/** All that is known of how clients are told of the server of that name and URL. */
export function installations(serverName: string, url: string): Installation[] {
  const name = plain(serverName);
  const json = JSON.stringify(url);
  return [
    { client: "Claude Code", text: `claude mcp add --transport http ${name} ${word(url)}` },
    { client: "Claude Desktop", file: "claude_desktop_config.json", through: "mcp-remote", text: servers("mcpServers", name, { command: "npx", args: ["-y", "mcp-remote", url] }) },
    { client: "Claude Desktop", file: "claude_desktop_config.json", through: "durable-mcp-remote", text: servers("mcpServers", name, { command: "durable-mcp-remote", args: [url] }) },
    { client: "VS Code", text: `code --add-mcp ${quoted(JSON.stringify({ name, type: "http", url }))}` },
    { client: "VS Code", file: ".vscode/mcp.json", text: servers("servers", name, { type: "http", url }) },
    { client: "Cursor", file: "~/.cursor/mcp.json", text: servers("mcpServers", name, { url }) },
    { client: "Codex", text: `codex mcp add ${name} --url ${word(url)}` },
    { client: "Codex", file: "~/.codex/config.toml", text: `[mcp_servers.${name}]\nurl = ${json.replaceAll("\u007f", "\\u007f")}` },
    { client: "Gemini CLI", text: `gemini mcp add --scope user --transport http ${name} ${word(url)}` },
    { client: "Gemini CLI", file: "~/.gemini/settings.json", text: servers("mcpServers", name, { httpUrl: url }) },
  ];
}

const servers = (key: string, name: string, server: object): string => JSON.stringify({ [key]: { [name]: server } }, undefined, 2);

/** Claude Code takes letters, digits, `-` and `_` in a name; no other client takes less. */
export const plain = (name: string): string => [...name].map((character) => (/[A-Za-z0-9_-]/.test(character) ? character : "-")).join("").replace(/^-+|-+$/g, "") || "mcp";

const word = (text: string): string => (/^[A-Za-z0-9\-._~:/@%+,]*$/.test(text) ? text : quoted(text));

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
