// Draws the pictures of docs/playground.md from the page itself, into docs/pictures.
//
//   node docs/pictures.mjs [name]      the demo and the fixture have to be built (scripts/build, scripts/build tests/fixture)
//
// Addresses, times, durations and dice are made the same each time, so that a picture changes only where the page has changed.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "../tests/support/browser.mjs";
import { calls, openAi } from "../tests/support/model.mjs";
import { visit } from "../tests/support/playground.mjs";
import { DEMO } from "../tests/support/sign-in.mjs";
import { until } from "../tests/support/wait.mjs";
import { demo, fixture } from "../tests/support/workerd.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "pictures");
const WIDTH = 1080;
const SCALE = 1.5;
const QUALITY = 0.78;
const ADDRESS = "my-server.example";

const PICTURES = {
  call: {
    height: 860,
    async act(visitor) {
      await visitor.connect();
      await visitor.choose("calculate");
      await visitor.argument("calculate", "/operation").selectOption("multiply");
      await visitor.argument("calculate", "/a").fill("6");
      await visitor.argument("calculate", "/b").fill("7");
      await visitor.call();
      await visitor.result();
    },
  },
  "sign-in": {
    height: 860,
    async act(visitor) {
      await visitor.button("Connect").click();
      await until(() => visitor.button("Sign in").isEnabled(), "the card");
    },
  },
  app: {
    height: 720,
    async act(visitor) {
      await visitor.connect();
      await visitor.choose("roll_dice");
      await visitor.argument("roll_dice", "/dice").fill("4");
      await visitor.call();
      const dice = visitor.page.frameLocator(".app iframe").getByRole("img", { name: /^Rolled/ });
      await dice.evaluate((element) => {
        element.textContent = "⚁ ⚄ ⚅ ⚀";
      });
    },
  },
  chat: {
    height: 980,
    async act(visitor) {
      await visitor.connect();
      await visitor.button("Chat").click();
      await visitor.page.getByLabel("Message").fill("Add three to the counter, please.");
      await visitor.button("Send").click();
      await visitor.page.getByRole("button", { name: "Allow once" }).waitFor();
    },
  },
  messages: {
    height: 850,
    async act(visitor) {
      await visitor.connect();
      await visitor.choose("add");
      await visitor.argument("add", "/a").fill("6");
      await visitor.argument("add", "/b").fill("7");
      await visitor.call();
      await visitor.result();
      await visitor.trace();
      const entry = visitor.page.locator(".trace details", { hasText: "tools/call" }).first();
      await entry.locator("summary").first().click();
      await entry.locator(".opened").waitFor();
    },
  },
};

const model = await openAi();
const open = await demo({
  playground: true,
  vars: { PLAYGROUND_CHAT: "openai", PLAYGROUND_CHAT_URL: model.url, PLAYGROUND_MODELS: "llama-4" },
  outbound: model.outbound,
});
const guarded = await fixture({ playground: true, vars: DEMO });
const browser = await launch("--force-color-profile=srgb", "--font-render-hinting=none");
const wanted = process.argv[2];
mkdirSync(folder, { recursive: true });
try {
  for (const [name, { height, act }] of Object.entries(PICTURES)) {
    if (wanted && wanted !== name) continue;
    model.answers.splice(0, Infinity, calls(["increment", { by: 3 }]));
    const server = name === "sign-in" ? guarded : open;
    await using visitor = await visit(browser, server, { viewport: { width: WIDTH, height }, deviceScaleFactor: SCALE, colorScheme: "light", reducedMotion: "reduce", locale: "en-GB" });
    await act(visitor);
    await settled(visitor.page, new URL(server.url).host);
    const bytes = await picture(visitor.page);
    writeFileSync(join(folder, `${name}.webp`), bytes);
    console.error(`${name}.webp: ${(bytes.length / 1000).toFixed(1)} KB`);
  }
} finally {
  await browser.close();
  for (const part of [open, guarded, model]) await part.stop();
}

/** Puts the same address, times and durations where each visit has its own. */
async function settled(page, host) {
  await page.evaluate(
    ({ host, address }) => {
      const same = (text) =>
        text
          .replaceAll(host, address)
          .replace(/http:\/\/(?=my-server)/g, "https://")
          .replace(/\b\d+ ms\b/g, "12 ms")
          .replace(/\b\d+ s ago\b/g, "3 s ago")
          .replace(/\b\d\d:\d\d:\d\d\b/g, "12:00:00");
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) walker.currentNode.data = same(walker.currentNode.data);
      for (const input of document.querySelectorAll("input")) input.value = same(input.value);
      document.activeElement?.blur();
      scrollTo(0, 0);
    },
    { host, address: ADDRESS },
  );
  await page.mouse.move(0, 0);
}

/** Screenshot as WebP, which Playwright itself does not write: a page encodes it. */
async function picture(page) {
  const png = await page.screenshot({ animations: "disabled", caret: "hide" });
  const blank = await page.context().newPage();
  const base64 = await blank.evaluate(
    async ({ png, quality }) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.fromBase64(png)], { type: "image/png" }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      const blob = await canvas.convertToBlob({ type: "image/webp", quality });
      return new Uint8Array(await blob.arrayBuffer()).toBase64();
    },
    { png: png.toString("base64"), quality: QUALITY },
  );
  return Buffer.from(base64, "base64");
}
