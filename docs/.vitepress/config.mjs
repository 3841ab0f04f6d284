import { defineConfig } from "vitepress";
import { pages, REPOSITORY, slugify } from "./markdown.mjs";

// A site below the root of its host, as on GitHub Pages, says where: DOCS_BASE=/durable-mcp/ scripts/docs
const base = process.env.DOCS_BASE ?? "/";

export default defineConfig({
  title: "durable-mcp",
  description: "Remote MCP servers in Rust on Cloudflare Workers",
  base,
  cleanUrls: false,
  lastUpdated: false,
  rewrites: { "identity/README.md": "identity/index.md" },
  markdown: {
    anchor: { slugify },
    config: (markdown) => markdown.use(pages),
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  // Addresses of a server on the reader's machine.
  ignoreDeadLinks: "localhostLinks",
  themeConfig: {
    search: { provider: "local", options: { translations: { button: { buttonAriaLabel: "Search Ctrl K" } } } },
    outline: [2, 3],
    socialLinks: [{ icon: "github", link: REPOSITORY }],
    nav: [
      { text: "Start", link: "/start" },
      { text: "Recipes", link: "/recipes" },
      { text: "Troubleshooting", link: "/troubleshooting" },
      { text: "API", link: "/api" },
    ],
    sidebar: [
      {
        text: "Begin",
        items: [
          { text: "Overview", link: "/" },
          { text: "Start", link: "/start" },
          { text: "Coming from another library", link: "/migrating" },
          { text: "Eight tasks in four libraries", link: "/eight-tasks" },
        ],
      },
      {
        text: "Write a server",
        items: [
          { text: "Tools", link: "/tools" },
          { text: "Arguments", link: "/arguments" },
          { text: "State and SQL", link: "/state" },
          { text: "Asking the user", link: "/asking" },
          { text: "Layers", link: "/layers" },
          { text: "Tasks", link: "/tasks" },
          { text: "Notifications and pages", link: "/notifications" },
          { text: "Recipes", link: "/recipes" },
          { text: "Testing", link: "/testing" },
          { text: "Playground", link: "/playground" },
          { text: "API", link: "/api" },
        ],
      },
      {
        text: "Sign-in",
        items: [
          { text: "Identity providers", link: "/identity/" },
          { text: "GitHub", link: "/identity/github" },
          { text: "Cloudflare", link: "/identity/cloudflare" },
          { text: "Google", link: "/identity/google" },
          { text: "OpenID Connect", link: "/identity/oidc" },
          { text: "Cloudflare Access", link: "/identity/access" },
          { text: "Demo", link: "/identity/demo" },
          { text: "A provider of your own", link: "/identity/your-own" },
          { text: "The authorization server", link: "/oauth" },
          { text: "Compared with workers-oauth-provider", link: "/workers-oauth-provider" },
        ],
      },
      {
        text: "Run it",
        items: [
          { text: "Configuration", link: "/configuration" },
          { text: "Building", link: "/building" },
          { text: "Operating", link: "/operating" },
          { text: "Troubleshooting", link: "/troubleshooting" },
          { text: "Cost", link: "/cost" },
          { text: "Limits", link: "/limits" },
          { text: "The signing key", link: "/signing-key" },
          { text: "Tunnels", link: "/tunnels" },
          { text: "The local bridge", link: "/bridge" },
          { text: "Clients without sessions", link: "/stateless" },
        ],
      },
    ],
  },
});
