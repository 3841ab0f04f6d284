// Patterns are matched at once, where there are no Web Workers.
import { matchBy } from "../../playground/src/schema/patterns.ts";

const compiled = (pattern, flags) => {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
};

matchBy(async (pairs) => pairs.map(([pattern, text]) => (compiled(pattern, "u") ?? compiled(pattern, ""))?.test(text)));
