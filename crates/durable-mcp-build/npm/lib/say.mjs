// Messages for the person at the terminal.

/** An error whose message says all that its reader needs: what happened and what to do. */
export class Failure extends Error {}

/** A failure of the server's own code: `text` is what the compiler said, without colours. */
export class BuildFailure extends Failure {
  constructor(message, text) {
    super(message);
    this.text = text;
  }
}

export function say(text) {
  process.stderr.write(`durable-mcp: ${text}\n`);
}
