// Sizes of what a finger or pointer hits (WCAG 2.2, 2.5.5 and 2.5.8), and of the page in its window.

/** Controls in sight that are smaller than so many pixels, but for links within a text. */
export const smallTargets = (page, least) => page.evaluate(small, least);

function small(least) {
  const scope = document.querySelector("dialog[open]") ?? document;
  const isWithinText = (element) => element.localName === "a" && getComputedStyle(element).display === "inline" && element.parentElement.textContent.trim() !== element.textContent.trim();
  const found = [];
  for (const element of scope.querySelectorAll("button, summary, select, input, textarea, a[href], audio, [role=tab], [role=option]")) {
    if (!element.checkVisibility() || isWithinText(element)) continue;
    const isChecked = ["checkbox", "radio"].includes(element.type);
    // A label is a part of the target.
    const { width, height } = (isChecked ? (element.closest("label") ?? element) : element).getBoundingClientRect();
    if (width > 0 && (width < least - 0.5 || height < least - 0.5)) found.push(`${element.outerHTML.slice(0, 90)}: ${Math.round(width)} x ${Math.round(height)}`);
  }
  return found;
}

/** Pixels by which the page is wider than its window. */
export const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
