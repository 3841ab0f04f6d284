// A request to another server: when it stops, and how its answer is passed on.
export class Exchange {
  #ended = new AbortController();
  signal;
  // What was counted of an answer that is passed on, which is known however it ends.
  total;

  // The exchange stops when the client of `request` hangs up, when its time is over, or on demand.
  constructor(request, longest) {
    this.signal = AbortSignal.any([request.signal, this.#ended.signal, AbortSignal.timeout(longest)]);
  }

  stop() {
    this.#ended.abort();
  }

  // Gives the stream for the client, which has each chunk as it comes. `counter` takes the chunks, and may end the stream by an error.
  passOn(body, counter) {
    const reader = body.getReader();
    let over;
    this.total = new Promise((done) => (over = () => done(counter.total)));
    // What is not read hears of no abort.
    this.signal.addEventListener("abort", over, { once: true });
    if (this.signal.aborted) over();
    return new ReadableStream({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (value) {
            counter.add(value);
            controller.enqueue(value);
          }
          if (!done) return;
          over();
          controller.close();
        } catch (error) {
          over();
          controller.error(error);
          reader.cancel(error).catch(() => {});
        }
      },
      cancel(reason) {
        over();
        return reader.cancel(reason);
      },
    });
  }
}
