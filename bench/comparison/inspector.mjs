// The Inspector's web page, as a person's hand finds it.
import { removeFolder, temporaryFolder } from "../../tests/support/child.mjs";
import { startWeb, writeCatalog } from "../../tests/support/inspector.mjs";
import { WAIT_MS } from "../../tests/support/wait.mjs";

const ID = "server";

/** Starts it with nothing remembered; with `at`, that server is in its list and connected. */
export async function openInspector(browser, { at, type = "streamable-http", era = "legacy", listed = at } = {}) {
  const home = temporaryFolder("durable-mcp-comparison");
  writeCatalog(home, listed ? { [ID]: { type, url: listed, protocolEra: era } } : {});
  const web = await startWeb(home);
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  await page.goto(web.url);
  const inspector = new Inspector({ home, web, context, page });
  if (at) {
    await inspector.knob().click();
    await inspector.connected();
  }
  return inspector;
}

class Inspector {
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** The switch that connects a server; its label covers the input. */
  knob(id = ID) {
    return this.page.getByRole("switch", { name: `Connect or disconnect "${id}"` }).locator("xpath=following-sibling::*[1]");
  }

  connected() {
    return this.page.locator(`[data-testid="connection-status"][data-status="connected"]`).waitFor();
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** A part of the page, by its name in the head. */
  part(name) {
    return this.page.getByText(name, { exact: true }).first();
  }

  get dialog() {
    return this.page.getByRole("dialog");
  }

  get tools() {
    return this.page.getByTestId("tools-screen");
  }

  /** To the list of tools, where a task begins that uses one. */
  async atTools() {
    await this.part("Tools").click();
    await this.tools.waitFor();
    return this;
  }

  argument(name) {
    return this.tools.getByLabel(new RegExp(`^${name}( \\*)?$`));
  }

  async call(hand, tool, fields = {}) {
    await hand.click(this.tools.getByText(tool, { exact: true }));
    for (const [name, text] of Object.entries(fields)) await hand.fill(this.argument(name), text);
    await hand.click(this.button("Execute Tool"));
  }

  shows(text) {
    return this.tools.getByText(text).first().waitFor();
  }

  /** Whether something is on the page, or comes there soon. */
  async shown(locator) {
    return locator.first().waitFor({ timeout: 3_000 }).then(
      () => true,
      () => false,
    );
  }

  /** Goes where it asks to sign in, at a server that approves by itself. */
  async authorized(hand) {
    const authorize = this.button("Authorize");
    const connected = this.page.locator(`[data-testid="connection-status"][data-status="connected"]`);
    await authorize.or(connected).first().waitFor();
    if (await authorize.isVisible()) await hand.click(authorize);
    await this.connected();
  }

  /** Adds a server by hand. */
  async add(hand, url, transport = "streamable-http") {
    await hand.click(this.button("Add Servers"));
    await hand.click(this.page.getByRole("menuitem", { name: "Add manually" }));
    await hand.fill(this.dialog.getByRole("textbox", { name: "Server ID" }), ID);
    await hand.chooseDrawn(this.dialog.getByRole("textbox", { name: "Transport" }), new RegExp(`^${transport}`));
    await hand.fill(this.dialog.getByRole("textbox", { name: "URL" }), url);
    await hand.click(this.dialog.getByRole("button", { name: "Add" }));
  }

  async close() {
    await this.context.close();
    await this.web.stop();
    removeFolder(this.home);
  }
}
