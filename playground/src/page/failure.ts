// Operations that did not work.
import type { Problem } from "../protocol.ts";

export class Failure extends Error {
  problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** The problem of an operation that did not work. */
export const problemOf = (error: unknown): Problem => (error instanceof Failure ? error.problem : { kind: "other", message: String(error) });
