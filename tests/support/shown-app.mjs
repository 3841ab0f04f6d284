// An app on the page: shown with the result of its tool, and what it asks of the person.
import { appServer } from "./apps.mjs";
import { visit } from "./playground.mjs";

/**
 * A function that calls the tool `show` of a server whose app has that HTML: `{ visitor, page, other, app }`. Its options are
 * those of `appServer`, and `at`, `by` for another Worker and browser, `config` and `frame` for what the page is told of its
 * deployment; those of the visit come last.
 */
export const showing = ({ server, browser }) =>
  async function shown(html, { allowed = [], at = server, by = browser, config, frame = config && "/playground/app", ...options } = {}, visitOptions = {}) {
    const other = await appServer(html, options);
    const visitor = await visit(by, at, { allowed: [other.origin, ...allowed], ...visitOptions });
    const close = async () => {
      await visitor[Symbol.asyncDispose]();
      await other.stop();
    };
    try {
      if (frame) {
        await visitor.context.route("**/playground/config.json", (route) => route.fulfill({ json: { apps: frame, ...config } }));
        await visitor.page.reload();
      }
      await visitor.connect(other.url);
      await visitor.tool("show");
      await visitor.call();
    } catch (error) {
      await close();
      throw error;
    }
    return { visitor, page: visitor.page, other, app: visitor.page.locator(".app").first(), [Symbol.asyncDispose]: close };
  };

/** The outcome of what the app asks for, after the person's answer. */
export async function asked({ page, app }, frame, code, answer) {
  const outcome = frame.evaluate(`(async () => { try { return { result: await (${code}) }; } catch ({ code, message }) { return { error: { code, message } }; } })()`);
  if (answer) await app.locator(".card").getByRole("button", { name: answer, exact: true }).or(app.locator(".card").getByRole("link", { name: answer, exact: true })).click();
  return outcome;
}
