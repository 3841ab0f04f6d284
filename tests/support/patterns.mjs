// Patterns are matched at once, where there are no Web Workers.
import { setMatcher } from "../../playground/src/schema/patterns.ts";

const compiled = (pattern, flags) => {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
};

setMatcher(async (pairs) => pairs.map(([pattern, text]) => (compiled(pattern, "u") ?? compiled(pattern, ""))?.test(text)));
