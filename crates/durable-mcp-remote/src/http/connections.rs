//! Pools of connections: one for this machine, which no proxy serves, one for all others, and one for hosts that must be public.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::Resolve;
use rustls::ClientConfig;

use super::names::{Names, PublicNames};
use super::tls;
use crate::arguments::{NetworkArguments, is_loopback};

const USER_AGENT: &str = concat!("durable-mcp-remote/", env!("CARGO_PKG_VERSION"));

/// Silence after which an HTTP/2 connection with open streams is asked whether it lives. Laptops sleep, and networks change
/// without a word.
const PING_AFTER: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// Window of an HTTP/2 stream and connection: a message of several megabytes does not wait for round trips.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

pub(super) struct Connections {
    network: NetworkArguments,
    tls: ClientConfig,
    loopback: Mutex<Option<reqwest::Client>>,
    elsewhere: Mutex<Option<reqwest::Client>>,
    public: Mutex<Option<reqwest::Client>>,
    names: Names,
    public_names: PublicNames,
}

impl Connections {
    /// # Errors
    ///
    /// One sentence that says what to change on the command line.
    pub(super) fn new(
        network: &NetworkArguments,
        environment: &dyn Fn(&str) -> Option<String>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, String> {
        let authorities = tls::extra_authorities(network, environment, warnings)?;
        let tls = tls::configuration(authorities)
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        Ok(Self {
            network: network.clone(),
            tls,
            loopback: Mutex::default(),
            elsewhere: Mutex::default(),
            public: Mutex::default(),
            names: Names::default(),
            public_names: PublicNames::default(),
        })
    }

    /// Client whose pool serves a URL.
    pub(super) fn client(&self, url: &Url) -> reqwest::Result<reqwest::Client> {
        let loopback = is_loopback(url);
        let pool = if loopback {
            &self.loopback
        } else {
            &self.elsewhere
        };
        self.pooled(pool, !loopback && self.network.use_proxy, &self.names)
    }

    /// Client whose connections to the host of a URL are to its public addresses.
    pub(super) fn public(&self, url: &Url) -> reqwest::Result<reqwest::Client> {
        self.public_names.guard(url.host_str().unwrap_or_default());
        self.pooled(&self.public, self.network.use_proxy, &self.public_names)
    }

    /// Public addresses of a host that were found for a connection once, else those of the last look-up.
    pub(super) fn addresses(&self, host: &str) -> Option<Vec<IpAddr>> {
        self.names.known(host)
    }

    fn pooled<R: Resolve + Clone + 'static>(
        &self,
        pool: &Mutex<Option<reqwest::Client>>,
        proxy: bool,
        names: &R,
    ) -> reqwest::Result<reqwest::Client> {
        let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = pool.as_ref() {
            return Ok(client.clone());
        }
        let client = self.build(proxy, Arc::new(names.clone()))?;
        *pool = Some(client.clone());
        Ok(client)
    }

    /// Closes all connections that no request uses; later requests open new ones.
    pub(super) fn close(&self) {
        for pool in [&self.loopback, &self.elsewhere, &self.public] {
            pool.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    fn build<R: Resolve + 'static>(
        &self,
        proxy: bool,
        names: Arc<R>,
    ) -> reqwest::Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .user_agent(USER_AGENT)
            .dns_resolver(names)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.network.connect_timeout)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(PING_AFTER)
            .http2_keep_alive_timeout(PING_TIMEOUT);
        if !proxy {
            builder = builder.no_proxy();
        }
        if self.network.ipv4 {
            // From an IPv4 address only IPv4 addresses are connected to.
            builder = builder.local_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        }
        builder.build()
    }
}
