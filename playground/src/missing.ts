// Parts that are loaded when they are used, and can be gone by then.

/** Whether an error says that a part could not be loaded: browsers tell it by the message alone. */
export const isMissingPart = (error: unknown): boolean => error instanceof TypeError && /\bmodule\b/i.test(error.message);

/** Calls back for each that nothing else caught. */
export function onMissingPart(scope: EventTarget, listener: () => void): void {
  scope.addEventListener("unhandledrejection", (event) => {
    if (isMissingPart((event as PromiseRejectionEvent).reason)) listener();
  });
}
