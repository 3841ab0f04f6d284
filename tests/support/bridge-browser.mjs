// A browser that a program starts with a link, for a person who approves everything: it follows where the link leads.
const answer = await fetch(process.argv.at(-1), { headers: { accept: "text/html" }, signal: AbortSignal.timeout(60_000) });
await answer.text();
