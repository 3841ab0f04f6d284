//! Doubles of what surrounds a server, and of what surrounds a session's object.

pub(crate) mod browser;
pub(crate) mod counter;
pub(crate) mod front;
pub(crate) mod grants;
pub(crate) mod json;
pub(crate) mod mirrored;
pub(crate) mod object;
pub(crate) mod page;
pub(crate) mod peer;
pub(crate) mod simulation;
