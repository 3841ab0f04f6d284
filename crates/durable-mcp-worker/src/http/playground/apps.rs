//! The frame in which the playground shows apps of servers (MCP Apps, 2026-01-26): a page with a policy of its own.

use durable_core::wire::{Head, Reply, ReplyBody};
use http::StatusCode;

use super::own_origin::{OwnOrigin, is_origin};
use super::paths::FRAME;
use super::source::{SourceKind, is_source};
use crate::http::get::get;

/// The frame, which waits for an app's HTML.
const HTML: &str = include_str!("frame.html");

/// Sources that one directive of the frame's policy can have.
const MAX_SOURCES: usize = 50;

/// The origin of apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AppsOrigin {
    /// An opaque one for each app, of a frame at the page's own address: apps have no storage.
    Opaque,
    /// One that serves the frame alone, as `PLAYGROUND_APPS_ORIGIN` names it.
    Own(OwnOrigin),
    /// None, since the variable cannot be read: no app is shown.
    None,
}

impl AppsOrigin {
    /// Whether the host of a request is for apps alone.
    pub(super) fn is_at(&self, host: &str) -> bool {
        matches!(self, Self::Own(own) if own.is_at(host))
    }

    /// The address of the frame for a page; none if apps would share the page's origin.
    pub(super) fn frame(&self, head: &Head) -> Option<String> {
        match self {
            Self::Opaque => Some(FRAME.to_owned()),
            Self::Own(own) if !own.is_at(&head.host) => Some(format!("{}{FRAME}", own.as_str())),
            Self::Own(_) | Self::None => None,
        }
    }
}

/// `GET /playground/app`: the frame of an app. Its query names sources for its policy, as the app's resource does:
/// `connect`, `resource`, `frame` and `base`, each with commas between them; on an origin of its own also `page`, the origin
/// of the page around it.
pub(super) fn frame(apps: &AppsOrigin, head: &Head) -> Reply {
    get(head, || match policy(apps, head) {
        Some(policy) => {
            let reply = Reply {
                body: ReplyBody::Text(HTML.to_owned()),
                ..Reply::default()
            };
            with_policy(
                reply.header("content-type", "text/html; charset=utf-8"),
                policy,
            )
        }
        None => with_policy(
            Reply::empty(StatusCode::FORBIDDEN),
            "default-src 'none'; sandbox".to_owned(),
        ),
    })
}

fn with_policy(reply: Reply, policy: String) -> Reply {
    reply
        .header("content-security-policy", policy)
        .header("cache-control", "no-store")
        .header("referrer-policy", "no-referrer")
        .header("x-content-type-options", "nosniff")
        .header("x-dns-prefetch-control", "off")
}

/// The frame's policy; `None` where there is to be no frame.
fn policy(apps: &AppsOrigin, head: &Head) -> Option<String> {
    let is_own = apps.is_at(&head.host);
    let is_served = is_own || *apps == AppsOrigin::Opaque;
    if !is_served || !is_framed(is_own, head) {
        return None;
    }
    let asked = FrameQuery::parse(&head.query)?;
    let around = match asked.page {
        Some(page) if is_own => page,
        None if !is_own => "'self'",
        _ => return None,
    };
    let storage = if is_own { " allow-same-origin" } else { "" };
    let FrameQuery {
        connect,
        resource,
        frame,
        base,
        ..
    } = &asked;
    let [some_connect, some_frame, some_base] =
        [connect, frame, base].map(|sources| or_none(sources));
    // Forms are for scripts: the event comes, and nothing is sent.
    Some(format!(
        "default-src 'none'; script-src 'unsafe-inline'{resource}; style-src 'unsafe-inline'{resource}; \
         img-src data: blob:{resource}; font-src data:{resource}; media-src data: blob:{resource}; worker-src blob:; \
         connect-src{some_connect}; frame-src{some_frame}; base-uri{some_base}; object-src 'none'; form-action 'none'; \
         frame-ancestors {around}; sandbox allow-scripts allow-forms{storage}"
    ))
}

fn or_none(sources: &str) -> &str {
    if sources.is_empty() {
        " 'none'"
    } else {
        sources
    }
}

/// Whether the page asks for the frame (Fetch Metadata, W3C), and neither a person's address bar nor an app, which could get
/// itself another policy so: the page is of another origin than an app at any time.
fn is_framed(is_own: bool, head: &Head) -> bool {
    let [site, destination] =
        ["sec-fetch-site", "sec-fetch-dest"].map(|name| head.raw_header(name));
    let is_of_the_page = match site.as_deref() {
        Some("same-origin") => !is_own,
        Some("same-site" | "cross-site") => is_own,
        _ => false,
    };
    is_of_the_page && destination.as_deref() == Some("iframe")
}

/// The query of a frame: sources, each with a space before it.
#[derive(Default)]
struct FrameQuery<'a> {
    connect: String,
    resource: String,
    frame: String,
    base: String,
    page: Option<&'a str>,
}

impl<'a> FrameQuery<'a> {
    /// Reads a query; `None` if anything in it is unknown or no source.
    fn parse(query: &'a str) -> Option<Self> {
        let mut asked = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            match name {
                "connect" => asked.connect = sources(value, SourceKind::Connection)?,
                "resource" => asked.resource = sources(value, SourceKind::Document)?,
                "frame" => asked.frame = sources(value, SourceKind::Document)?,
                "base" => asked.base = sources(value, SourceKind::Document)?,
                "page" if is_origin(value) => asked.page = Some(value),
                _ => return None,
            }
        }
        Some(asked)
    }
}

fn sources(value: &str, kind: SourceKind) -> Option<String> {
    let sources: Vec<&str> = value.split(',').collect();
    let are_fit =
        sources.len() <= MAX_SOURCES && sources.iter().all(|source| is_source(source, kind));
    are_fit.then(|| sources.iter().flat_map(|source| [" ", source]).collect())
}
