// The playground, as a person's hand finds it.
import { visit } from "../../tests/support/playground.mjs";
import { WAIT_MS } from "../../tests/support/wait.mjs";

/** Opens it at a deployment, in a fresh profile; with `at`, connected to that server. */
export async function openPlayground(browser, home, { at, version, transport } = {}) {
  const visitor = await visit(browser, home, { permissions: ["clipboard-read", "clipboard-write"] });
  visitor.page.setDefaultTimeout(WAIT_MS);
  if (at) await visitor.connect(at, { version, transport });
  return new Playground(visitor);
}

class Playground {
  constructor(visitor) {
    this.visitor = visitor;
    this.page = visitor.page;
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  tab(name) {
    return this.page.getByRole("tab", { name: new RegExp(`^${name}`) });
  }

  entry(name) {
    return this.page.locator(".list li").filter({ has: this.page.getByText(name, { exact: true }) }).getByRole("button").first();
  }

  get dialog() {
    return this.page.getByRole("dialog");
  }

  /** The newest result, once it has `text`. */
  shows(text) {
    return this.page.locator(".use").first().getByText(text).first().waitFor();
  }

  async call(hand, tool, fields = {}) {
    await hand.click(this.entry(tool));
    for (const [pointer, text] of Object.entries(fields)) await hand.fill(this.visitor.argument(tool, pointer), text);
    await hand.click(this.page.getByRole("button", { name: /^Call( again)?$/ }));
  }

  async signedIn(hand) {
    await hand.click(this.button("Sign in"));
    await this.button("Disconnect").waitFor();
  }

  close() {
    return this.visitor[Symbol.asyncDispose]();
  }
}
