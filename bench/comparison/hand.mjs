// A person's hand: it counts clicks and the fields that are filled in.

/** A client lacks what a task needs; the message says what. */
export class Lacking extends Error {}

export class Hand {
  clicks = 0;
  fields = 0;

  /** Begins a task: earlier steps belong to none. */
  begin() {
    this.clicks = 0;
    this.fields = 0;
  }

  async click(locator) {
    await locator.click();
    this.clicks += 1;
  }

  /** Types into a field; to put the cursor there is no click of its own. */
  async fill(locator, text) {
    await locator.fill("");
    await locator.pressSequentially(text);
    this.fields += 1;
  }

  /** Types into a code editor, over what stands there. */
  async replace(locator, text) {
    await locator.focus();
    await locator.press("ControlOrMeta+a");
    await locator.page().keyboard.insertText(text);
    this.fields += 1;
  }

  /** Chooses from the browser's own list: one click opens it, one chooses. */
  async choose(locator, label) {
    await locator.selectOption({ label });
    this.clicks += 2;
  }

  /** Chooses from a list that the page draws. */
  async chooseDrawn(locator, name) {
    await this.click(locator);
    await this.click(locator.page().getByRole("option", { name, exact: typeof name === "string" }));
  }

  toString() {
    const part = (count, noun) => (count > 0 ? [`${count} ${noun}${count > 1 ? "s" : ""}`] : []);
    return [...part(this.clicks, "click"), ...part(this.fields, "field")].join(", ") || "nothing";
  }
}
