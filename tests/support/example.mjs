// Example programs of the crates, as `scripts/test e2e` builds them.
import { join } from "node:path";
import { root } from "./child.mjs";

const target = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug");

/** `examples/stdio` of durable-mcp-protocol. */
export const STDIO_SERVER = join(target, "examples/stdio");

/** The example of oauth-server, with axum. */
export const AXUM_SERVER = join(target, "oauth-server-axum-example");
