// Parts of the Web Worker that every connection uses, in one file.
export { Changes } from "./changes.ts";
export { StandingStream } from "./standing-stream.ts";
