//! The server that a provider protects, as far as the provider has to know it.

use durable_mcp_protocol::Server;

use super::operator::OperatorAccess;
use super::route::Paths;
use crate::session::object::Settings;

/// The server behind a provider.
#[derive(Clone, Copy)]
pub struct ProtectedServer<'a> {
    pub(super) server: &'a Server,
    pub(super) paths: &'a Paths,
    pub(super) settings: &'a Settings,
    pub(super) operator: &'a OperatorAccess,
}

impl<'a> ProtectedServer<'a> {
    /// The paths that are protected resources of their own.
    pub(super) fn resources(&self) -> [&'a str; 2] {
        [&self.paths.mcp, &self.paths.sse]
    }
}
