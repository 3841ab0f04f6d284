
// A button at each snippet copies it, where the browser lets a page write to the clipboard.
if (navigator.clipboard) {
  const status = document.createElement("p");
  status.className = "unseen";
  status.setAttribute("role", "status");
  document.querySelector("main").append(status);
  for (const snippet of document.querySelectorAll("pre[data-what]")) {
    const { what } = snippet.dataset;
    const code = snippet.querySelector("code");
    const button = document.createElement("button");
    let back;
    const say = (word) => {
      button.textContent = word;
      button.setAttribute("aria-label", `${word} ${what}`);
    };
    button.className = "copy";
    button.type = "button";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        say("Copied");
      } catch {
        // The browser or the person said no: the keys that copy what is selected still do.
        getSelection().selectAllChildren(code);
        say("Selected");
      }
      const told = `${button.textContent} ${what}`;
      status.textContent = told;
      clearTimeout(back);
      back = setTimeout(() => {
        say("Copy");
        // Another snippet may have been copied meanwhile.
        if (status.textContent === told) status.textContent = "";
      }, 2000);
    });
    say("Copy");
    snippet.append(button);
  }
}
