// Packs an MCP bundle (.mcpb) for Claude Desktop and others that install from a file:
//
//   node pack.mjs PROGRAM PLATFORM OUT
//
// PLATFORM is one of npm, such as darwin-arm64. A bundle has one program: all six would be 30 MB.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32, deflateRawSync } from "node:zlib";
import { LICENSES, PLATFORMS, program } from "../npm/platforms.mjs";

const LOCAL_FILE = 0x04034b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DIRECTORY_END = 0x06054b50;
// Version 2.0 has deflate; the upper byte says that attributes are those of Unix.
const NEEDED = 20;
const MADE_BY = (3 << 8) | NEEDED;
const DEFLATE = 8;
// 1980-01-01, the earliest date of a zip: the same input gives the same bundle.
const DATE = 0x21;

/** Manifest for a platform. */
export function manifest(platform) {
  const manifest = JSON.parse(readFileSync(new URL("manifest.json", import.meta.url), "utf8"));
  const [os] = platform.split("-");
  manifest.compatibility.platforms = [os];
  manifest.server.entry_point = `server/${program(platform)}`;
  return manifest;
}

/** Zip of `{ name, data, mode }`. */
export function zip(files) {
  const parts = [];
  const entries = [];
  let offset = 0;
  for (const { name, data, mode } of files) {
    const bytes = Buffer.from(name);
    const packed = deflateRawSync(data, { level: 9 });
    const common = Buffer.alloc(26);
    common.writeUInt16LE(NEEDED, 0);
    common.writeUInt16LE(0, 2);
    common.writeUInt16LE(DEFLATE, 4);
    common.writeUInt16LE(0, 6);
    common.writeUInt16LE(DATE, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(bytes.length, 22);
    common.writeUInt16LE(0, 24);
    // Comment, disk and internal attributes stay 0.
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(((0o100000 | mode) << 16) >>> 0, 6);
    entry.writeUInt32LE(offset, 10);
    entries.push(Buffer.concat([number(DIRECTORY_ENTRY, 4), number(MADE_BY, 2), common, entry, bytes]));
    const local = Buffer.concat([number(LOCAL_FILE, 4), common, bytes, packed]);
    parts.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, directory, number(DIRECTORY_END, 4), end]);
}

function number(value, bytes) {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [source, platform, out] = process.argv.slice(2);
  if (!out || !(platform in PLATFORMS)) {
    console.error(`usage: node pack.mjs PROGRAM PLATFORM OUT, where PLATFORM is one of ${Object.keys(PLATFORMS).join(", ")}`);
    process.exit(1);
  }
  writeFileSync(
    out,
    zip([
      { name: "manifest.json", data: Buffer.from(`${JSON.stringify(manifest(platform), undefined, 2)}\n`), mode: 0o644 },
      { name: `server/${program(platform)}`, data: readFileSync(source), mode: 0o755 },
      ...Object.entries(LICENSES).map(([name, text]) => ({ name, data: readFileSync(text), mode: 0o644 })),
    ]),
  );
}
