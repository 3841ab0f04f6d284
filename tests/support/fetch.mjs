// `fetch` for clients that let it be given: writes down what is asked, and cuts answers short.

/** Adds `{ method, url, headers, body }` of every request to `requests`; `change` may replace a response. */
export function recordingFetch(requests, change = (response) => response) {
  return async (url, init = {}) => {
    const request = {
      method: init.method ?? "GET",
      url: `${url}`,
      headers: new Headers(init.headers),
      body: init.body,
    };
    requests.push(request);
    return change(await fetch(url, init), request);
  };
}

/** Ends the first response to a request for which `match` holds after `events` blocks, as a lost connection does. */
export function cutAfter(events, match) {
  let done = false;
  return (response, request) => {
    if (done || !match(request)) return response;
    done = true;
    return new Response(firstBlocks(response.body, events), response);
  };
}

function firstBlocks(body, count) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      text += value;
      const blocks = text.split("\n\n");
      if (blocks.length <= count) return;
      controller.enqueue(new TextEncoder().encode(`${blocks.slice(0, count).join("\n\n")}\n\n`));
      await reader.cancel();
      controller.error(new TypeError("terminated"));
    },
  });
}
