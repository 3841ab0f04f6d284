//! Numbers of the platform that code and tests rest on, as Cloudflare documents them (Workers, KV and Durable Objects,
//! "Limits").

/// Operations of KV, and requests to objects, that one invocation may make (KV, "Operations/Worker invocation").
pub const OPERATIONS_AN_INVOCATION: usize = 1_000;

/// Bytes of memory of an isolate, that of its module included (Workers, "Memory").
pub const ISOLATE_BYTES: usize = 128 * 1024 * 1024;

/// Keys that one listing of KV gives at most.
pub const KV_PAGE_KEYS: usize = 1_000;

/// Bytes of a key in KV.
pub const KV_KEY_BYTES: usize = 512;

/// Bytes of the metadata beside a key in KV, as JSON.
pub const KV_METADATA_BYTES: usize = 1_024;

/// Bytes of a value in KV.
pub const KV_VALUE_BYTES: usize = 25 * 1024 * 1024;

/// Seconds that a record of KV lives for at least.
pub const KV_LEAST_SECONDS: u64 = 60;

/// Seconds for which a location may show what a key of KV held before, or that it held nothing.
pub const KV_STALE_SECONDS: u64 = 60;

/// Bytes of a row of an object's storage, its key included.
pub const ROW_BYTES: usize = 2_000_000;

/// Bytes that a hibernatable socket remembers, in the structured clone format.
pub const ATTACHMENT_BYTES: usize = 16_384;

/// Hibernatable sockets of one object.
pub const SOCKETS_AN_OBJECT: usize = 32_768;

/// Tags of a hibernatable socket.
pub const SOCKET_TAGS: usize = 10;

/// Characters of such a tag.
pub const SOCKET_TAG_CHARS: usize = 256;
