//! Paths and scopes of the playground.

/// The path of the page.
pub(crate) const PAGE: &str = "/playground";

/// The scope of its chat.
pub(crate) const CHAT: &str = "chat";

/// The scope of its relay.
pub(crate) const RELAY: &str = "relay";

/// The path at which the page takes the answers of authorization servers.
pub(crate) const CALLBACK: &str = "/playground/callback";

/// The path of the frame.
pub(crate) const FRAME: &str = "/playground/app";
