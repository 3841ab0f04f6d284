// Reads TOML, also for programs outside of this folder, which has its packages to itself.
export { parse } from "smol-toml";
