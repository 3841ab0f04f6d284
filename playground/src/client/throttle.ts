// Word of progress at a pace that a page can show.

/** Passes on the first value at once, and of those within `ms` after another only the newest. */
export function throttle<T>(ms: number, send: (value: T) => void): (value: T) => void {
  let next: { value: T } | undefined;
  let isWaiting = false;
  const pass = (value: T) => {
    send(value);
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      if (next) pass(next.value);
      next = undefined;
    }, ms);
  };
  return (value) => {
    if (isWaiting) next = { value };
    else pass(value);
  };
}
