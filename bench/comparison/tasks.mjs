// Tasks of a person with a server, in both clients. A task begins at the list of tools of a connected server; with `at`, at another
// list; with `fresh`, at the page as it is opened first. `server` starts a server of its own.
import { Lacking } from "./hand.mjs";
import { connecting } from "./tasks-connect.mjs";
import { forgetful, older, thousandTools } from "./servers.mjs";

const LEGACY = { version: "2025-11-25", era: "legacy" };
const EXACT = "12345678901234567890";

const lastCall = (other) => other.requests.map(({ text }) => text).findLast((text) => text.includes('"tools/call"')) ?? "";

async function sawExact(other) {
  const sent = /"id":\s*(\d[^,}]*)\}/.exec(lastCall(other))?.[1];
  if (sent !== EXACT) throw new Lacking(`${EXACT} arrives as ${sent}`);
}

const calling = [
  {
    name: "Call a tool with a nested object and a list",
    on: "fixture",
    remarks: { inspector: "the list as JSON text" },
    playground: async (hand, ours) => {
      const { visitor } = ours;
      await hand.click(ours.entry("arguments"));
      await hand.fill(visitor.argument("arguments", "/text"), "a");
      await hand.choose(visitor.argument("arguments", "/colour"), "red");
      await hand.fill(visitor.argument("arguments", "/place/name"), "home");
      await hand.fill(visitor.argument("arguments", "/place/x"), "1");
      await hand.fill(visitor.argument("arguments", "/place/y"), "2");
      await hand.click(ours.page.getByRole("button", { name: "Add tags" }));
      await hand.fill(visitor.argument("arguments", "/tags/0"), "tea");
      await hand.click(ours.button("Call"));
      await ours.shows(/tea/);
    },
    inspector: async (hand, theirs) => {
      await hand.click(theirs.tools.getByText("arguments", { exact: true }));
      await hand.fill(theirs.argument("text"), "a");
      await hand.chooseDrawn(theirs.argument("colour"), "red");
      await hand.fill(theirs.argument("name"), "home");
      await hand.fill(theirs.argument("x"), "1");
      await hand.fill(theirs.argument("y"), "2");
      await hand.replace(theirs.tools.getByRole("textbox", { name: /^tags/ }), '["tea"]');
      await hand.click(theirs.button("Execute Tool"));
      await theirs.shows(/tea/);
    },
  },
  {
    name: "Call a tool whose argument is one of two objects (`oneOf`)",
    server: older,
    remarks: { playground: "by a form; as JSON text, 3 clicks and 1 field", inspector: "as JSON text, since it has no form for this" },
    playground: async (hand, ours) => {
      await hand.click(ours.entry("pay"));
      await hand.click(ours.page.getByRole("button", { name: "Add by" }));
      await hand.choose(ours.page.getByRole("combobox", { name: /Kind of by/ }), "Transfer");
      await hand.fill(ours.page.getByRole("textbox", { name: "iban" }), "GB1");
      await hand.click(ours.button("Call"));
      await ours.shows(/"iban":"GB1"/);
    },
    inspector: async (hand, theirs) => {
      await hand.click(theirs.tools.getByText("pay", { exact: true }));
      await hand.replace(theirs.tools.getByRole("textbox", { name: /^by/ }), '{"iban":"GB1"}');
      await hand.click(theirs.button("Execute Tool"));
      await theirs.shows(/"iban":"GB1"/);
    },
  },
  {
    name: "Send a whole number of 20 digits",
    server: older,
    playground: async (hand, ours, other) => {
      await ours.call(hand, "exact", { "/id": EXACT });
      await ours.shows(/exact:/);
      await sawExact(other);
    },
    inspector: async (hand, theirs, other) => {
      await hand.click(theirs.tools.getByText("exact", { exact: true }));
      await hand.click(theirs.tools.getByRole("switch", { name: "Edit as JSON" }).locator("xpath=following-sibling::*[1]"));
      await hand.replace(theirs.tools.getByRole("textbox", { name: /^Arguments JSON/ }), `{"id":${EXACT}}`);
      if (await theirs.shown(theirs.tools.getByText(/would not arrive as written/))) throw new Lacking("it says that the number would change, and does not send it");
      await hand.click(theirs.button("Execute Tool"));
      await theirs.shows(/exact:/);
      await sawExact(other);
    },
  },
  {
    name: "See a structured result",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "structured", { "/name": "Ann" });
      await ours.shows(/Structured content/);
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "structured", { name: "Ann" });
      await theirs.shows("Structured Output");
    },
  },
  {
    name: "See an image, and play audio",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "test_image_content");
      await ours.page.locator(".use img").first().waitFor();
      await ours.call(hand, "test_audio_content");
      await ours.page.locator(".use audio").first().waitFor();
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "test_image_content");
      await theirs.tools.locator("img[src^=data]").first().waitFor();
      await theirs.call(hand, "test_audio_content");
      await theirs.tools.locator("audio").first().waitFor({ state: "attached" });
    },
  },
  {
    name: "Follow the progress of a call",
    on: "demo",
    playground: async (hand, ours) => {
      await ours.call(hand, "countdown", { "/steps": "3" });
      await ours.page.locator("progress").first().waitFor();
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "countdown", { steps: "3" });
      await theirs.page.getByText("Tool progress").waitFor();
    },
  },
  {
    name: "Cancel a call",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "slow", { "/ms": "60000" });
      await hand.click(ours.button("Cancel"));
      await ours.page.getByText(/cancelled/i).first().waitFor();
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "slow", { ms: "60000" });
      await hand.click(theirs.button("Cancel"));
      await theirs.button("Execute Tool").and(theirs.page.locator(":enabled")).waitFor();
    },
  },
  {
    name: "Answer a form that a tool asks with",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "test_elicitation", { "/message": "Who?" });
      await hand.fill(ours.dialog.getByRole("textbox", { name: "username" }), "ann");
      await hand.fill(ours.dialog.getByRole("textbox", { name: "email" }), "ann@example.com");
      await hand.click(ours.dialog.getByRole("button", { name: "Send" }));
      await ours.shows(/ann@example.com/);
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "test_elicitation", { message: "Who?" });
      await hand.fill(theirs.dialog.getByRole("textbox", { name: "username" }), "ann");
      await hand.fill(theirs.dialog.getByRole("textbox", { name: "email" }), "ann@example.com");
      await hand.click(theirs.dialog.getByRole("button", { name: "Submit" }));
      await theirs.shows(/ann@example.com/);
    },
  },
  {
    name: "Open a page that a tool asks to open",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "url_elicitation");
      await hand.click(ours.dialog.getByRole("link", { name: /^Open/ }));
      await ours.shows(/./);
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "url_elicitation");
      await hand.click(theirs.dialog.getByRole("button", { name: "Open in Browser" }));
      await hand.click(theirs.dialog.getByRole("button", { name: "I've completed it" }));
      await theirs.shows(/./);
    },
  },
  {
    name: "Answer in the place of a model (sampling)",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "sample", { "/prompt": "Et toi?" });
      await hand.fill(ours.dialog.getByRole("textbox", { name: "Text" }), "Moi aussi.");
      await hand.click(ours.dialog.getByRole("button", { name: "Send" }));
      await ours.shows(/Moi aussi/);
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "sample", { prompt: "Et toi?" });
      await hand.fill(theirs.dialog.getByRole("textbox", { name: "Response" }), "Moi aussi.");
      await hand.click(theirs.dialog.getByRole("button", { name: "Send Response" }));
      await theirs.shows(/Moi aussi/);
    },
  },
  {
    name: "Offer a folder (roots), and let a tool ask for it",
    on: "fixture",
    playground: async (hand, ours) => {
      await hand.click(ours.page.getByText(/^Folders offered/));
      await hand.click(ours.button("Add folder"));
      await hand.fill(ours.page.getByLabel("Address of the folder"), "file:///home/ann");
      await ours.call(hand, "roots");
      await ours.shows(/home\/ann/);
    },
    inspector: async (hand, theirs) => {
      await hand.click(theirs.part("Servers"));
      await hand.click(theirs.button("Settings").last());
      await hand.click(theirs.dialog.getByRole("button", { name: "Roots" }));
      await hand.click(theirs.dialog.getByRole("button", { name: "+ Add Root" }));
      await hand.fill(theirs.dialog.getByRole("textbox", { name: /uri/i }), "file:///home/ann");
      await hand.click(theirs.dialog.getByRole("button", { name: "Close" }));
      await hand.click(theirs.part("Tools"));
      await theirs.call(hand, "roots");
      await theirs.shows(/home\/ann/);
    },
  },
  {
    name: "Run a tool as a task, and see its result",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "slow_compute", { "/label": "tea", "/seconds": "1" });
      await ours.shows(/computed tea in 1 s/);
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "slow_compute", { label: "tea", seconds: "1" });
      await theirs.shows(/computed tea in 1 s/);
    },
  },
  {
    name: "Show a result in its app",
    on: "demo",
    playground: async (hand, ours) => {
      await ours.call(hand, "roll_dice", { "/dice": "5" });
      await ours.page.frameLocator(".app iframe").getByRole("img", { name: /^Rolled/ }).waitFor();
    },
    inspector: async (hand, theirs) => {
      await hand.click(theirs.part("Apps"));
      await hand.click(theirs.page.getByRole("button", { name: /^Roll dice/ }).last());
      const form = theirs.page.getByTestId("apps-form");
      await hand.fill(form.getByLabel("dice *", { exact: true }), "5");
      await hand.click(form.getByRole("button", { name: "Open App" }));
      await form.frameLocator("iframe").frameLocator("iframe").getByRole("img", { name: /^Rolled/ }).waitFor();
    },
  },
];

const reading = [
  {
    name: "Read a resource",
    on: "fixture",
    at: "Resources",
    playground: async (hand, ours) => {
      await hand.click(ours.entry("Static text"));
      await hand.click(ours.button("Read"));
      await ours.shows(/./);
    },
    inspector: async (hand, theirs) => {
      await hand.click(theirs.page.getByText("Static text", { exact: true }).first());
      await theirs.page.getByText("Last updated").waitFor();
    },
  },
  {
    name: "Read a resource of a template, with a suggested value",
    on: "demo",
    at: "Resources",
    playground: async (hand, ours) => {
      await hand.click(ours.page.locator(".list li").filter({ hasText: "greeting://" }).getByRole("button").first());
      await hand.fill(ours.page.getByRole("combobox", { name: /^language/ }), "f");
      await hand.click(ours.page.getByRole("option").first());
      await hand.fill(ours.page.getByRole("combobox", { name: /^name/ }), "Ann");
      await hand.click(ours.button("Read"));
      await ours.shows(/Ann/);
    },
    inspector: async (hand, theirs) => {
      await hand.click(theirs.page.getByText("greeting", { exact: true }).first());
      await hand.fill(theirs.page.getByRole("textbox", { name: /^language/ }), "f");
      await hand.click(theirs.page.getByRole("option").first());
      await hand.fill(theirs.page.getByRole("textbox", { name: /^name/ }), "Ann");
      await hand.click(theirs.button("Read Resource"));
      await theirs.page.locator("main").getByText(/Ann/).last().waitFor();
    },
  },
  {
    name: "Watch a resource, and see that it changed",
    on: "fixture",
    at: "Resources",
    playground: async (hand, ours) => {
      await hand.click(ours.entry("Watched"));
      await hand.click(ours.button("Watch for changes"));
      await ours.page.locator("[aria-pressed=true]", { hasText: "Watch for changes" }).waitFor();
      await ours.page.getByText("Listens for changes.").waitFor();
      await hand.click(ours.tab("Tools"));
      await ours.call(hand, "announce");
      await hand.click(ours.tab("Resources"));
      await ours.page.locator("article .warning").waitFor();
    },
    inspector: async (hand, theirs) => {
      await hand.click(theirs.page.getByText("Watched", { exact: true }).first());
      await hand.click(theirs.button("Subscribe"));
      await theirs.page.getByText("Listening").waitFor();
      await hand.click(theirs.part("Tools"));
      await theirs.call(hand, "announce");
      await theirs.shows(/./);
      await hand.click(theirs.part("Resources"));
      // The time of a change stands beside what is subscribed to.
      await theirs.page.getByRole("region", { name: /^Subscriptions/ }).getByText(/\d:\d\d/).waitFor();
    },
  },
  {
    name: "Get a prompt with two arguments",
    on: "fixture",
    at: "Prompts",
    playground: async (hand, ours) => {
      await hand.click(ours.entry("test_prompt_with_arguments"));
      await hand.fill(ours.page.getByRole("combobox", { name: /^arg1/ }), "one");
      await hand.fill(ours.page.getByRole("combobox", { name: /^arg2/ }), "two");
      await hand.click(ours.page.locator("article form .button").first());
      await ours.shows(/one.*two/);
    },
    inspector: async (hand, theirs) => {
      await hand.click(theirs.page.getByText("test_prompt_with_arguments", { exact: true }).first());
      await hand.fill(theirs.page.getByRole("textbox", { name: /^arg1/ }), "one");
      await hand.fill(theirs.page.getByRole("textbox", { name: /^arg2/ }), "two");
      await hand.click(theirs.button("Get Prompt"));
      await theirs.page.locator("main").getByText(/one.*two/).first().waitFor();
    },
  },
  {
    name: "See what a server logs during a call",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "test_tool_with_logging");
      await ours.shows(/./);
      await hand.click(ours.tab("Logs"));
      await ours.page.getByText("Tool processing data").first().waitFor();
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "test_tool_with_logging");
      await hand.click(theirs.part("Logs"));
      await theirs.page.getByText("Tool processing data").first().waitFor();
    },
  },
];

const around = [
  {
    name: "Go on after the server lost its sessions",
    server: forgetful,
    ...LEGACY,
    playground: async (hand, ours, other) => {
      await ours.call(hand, "exact", { "/id": "1" });
      await ours.shows(/exact:/);
      other.restart();
      hand.begin();
      await hand.click(ours.button("Call again"));
      await ours.page.locator(".note", { hasText: /had ended the session/ }).waitFor();
      await hand.click(ours.page.getByRole("button", { name: /^Call( again)?$/ }));
      await ours.shows(/exact:/);
    },
    inspector: async (hand, theirs, other) => {
      await theirs.call(hand, "exact", { id: "1" });
      await theirs.shows(/exact:/);
      other.restart();
      hand.begin();
      await hand.click(theirs.button("Close results"));
      await hand.click(theirs.button("Execute Tool"));
      await theirs.page.getByText("Tool Call Failed").waitFor();
      await hand.click(theirs.part("Servers"));
      await hand.click(theirs.knob());
      await theirs.page.getByText("Disconnected", { exact: true }).waitFor();
      await hand.click(theirs.knob());
      await theirs.connected();
      await hand.click(theirs.part("Tools"));
      await theirs.call(hand, "exact", { id: "1" });
      await theirs.shows(/exact:/);
    },
  },
  {
    name: "Copy a call as a command (curl)",
    on: "fixture",
    playground: async (hand, ours) => {
      await ours.call(hand, "test_simple_text");
      await ours.shows(/./);
      hand.begin();
      await hand.click(ours.page.getByText("Copy this call"));
      await hand.click(ours.page.locator("article .copy").getByRole("button", { name: /^Copy/ }).first());
      if (!/^curl/.test(await ours.page.evaluate(() => navigator.clipboard.readText()))) throw new Error("no curl");
    },
    inspector: async (hand, theirs) => {
      await theirs.call(hand, "test_simple_text");
      await theirs.part("Network").click();
      await theirs.page.getByRole("button", { name: "Expand all" }).first().click();
      if ((await theirs.page.getByText(/curl/i).count()) === 0) throw new Lacking("there is no such text; the request with its headers and body is shown");
    },
  },
  {
    name: "Have the server as the configuration of a client",
    on: "fixture",
    remarks: { playground: "the text of six clients", inspector: "a file with the `mcpServers` of its whole list" },
    playground: async (hand, ours) => {
      await hand.click(ours.page.locator(".facts summary").last());
      await hand.click(ours.page.locator(".facts .copy").getByRole("button", { name: /^Copy/ }).first());
      if (!/mcp/.test(await ours.page.evaluate(() => navigator.clipboard.readText()))) throw new Error("nothing copied");
    },
    inspector: async (hand, theirs) => {
      await theirs.part("Servers").click();
      const download = theirs.page.waitForEvent("download");
      await hand.click(theirs.button("Export").first());
      await download;
    },
  },
  {
    name: "Find and call one of 1,000 tools",
    server: thousandTools,
    playground: async (hand, ours) => {
      await hand.fill(ours.page.getByRole("searchbox", { name: "Search" }), "tool_777");
      await ours.call(hand, "tool_777");
      await ours.shows(/this was tool_777/);
    },
    inspector: async (hand, theirs) => {
      await hand.fill(theirs.tools.getByPlaceholder("Search tools..."), "tool_777");
      await theirs.call(hand, "tool_777");
      await theirs.shows(/this was tool_777/);
    },
  },
];

export const tasks = [...connecting, ...calling, ...reading, ...around];
