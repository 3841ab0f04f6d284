//! Origins of this Worker that have a part of the playground alone: other host names that lead to it.

use std::cell::Cell;
use std::rc::Rc;

use durable_core::wire::Head;

use super::apps::AppsOrigin;
use super::own_origin::OwnOrigin;
use crate::http::request_runtime::RequestRuntime;
use crate::http::variables::Variables;

/// The variable with an origin for apps alone.
const APPS: &str = "PLAYGROUND_APPS_ORIGIN";

/// The variable with an origin for the page alone.
const PAGE: &str = "PLAYGROUND_ORIGIN";

/// The variable with the server's own origin, for that page.
const SERVER: &str = "PLAYGROUND_SERVER_ORIGIN";

/// Query with which a page that came from the Worker asks for its settings.
const FROM_WORKER: &str = "worker";

/// Text for a page whose server is not known: the Worker does not learn its names.
const NO_SERVER: &str = "PLAYGROUND_ORIGIN is set, and PLAYGROUND_SERVER_ORIGIN is not, so there is no playground now: set it to \
     the origin of this server, as in https://mcp.example.com.";

/// Text for an origin of the server that nothing uses.
const NO_PAGE: &str = "PLAYGROUND_SERVER_ORIGIN has no effect without PLAYGROUND_ORIGIN.";

/// Text for parts that would share an origin.
const SHARED: &str = "PLAYGROUND_ORIGIN, PLAYGROUND_SERVER_ORIGIN and PLAYGROUND_APPS_ORIGIN have to be different host names of \
     this Worker, so there is no playground now.";

/// Text for files that come before the Worker, on all of its hosts.
const FILES_FIRST: &str = "The playground's files are served before the Worker can tell its hosts apart, so PLAYGROUND_ORIGIN and \
     PLAYGROUND_APPS_ORIGIN protect nothing: add run_worker_first = [\"/playground*\"] to assets in wrangler.toml.";

/// An origin of the page, and that of the server, which the page connects to and has tokens for.
#[derive(Debug, Clone)]
pub(super) struct PageOrigin {
    pub(super) page: OwnOrigin,
    server: OwnOrigin,
}

/// The origins of the playground.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    pub(super) apps: AppsOrigin,
    /// Origin of the page; none if the page shares the server's.
    pub(super) page: Option<PageOrigin>,
    /// Whether there can be a page: its variables can be read.
    pub(in crate::http) has_page: bool,
    /// Whether a page came before the Worker.
    files_first: Rc<Cell<bool>>,
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            apps: AppsOrigin::Opaque,
            page: None,
            has_page: true,
            files_first: Rc::default(),
        }
    }
}

impl Origins {
    /// Reads the variables. There is no page rather than one on an origin that was not meant.
    pub(in crate::http) fn from_variables(variables: &mut Variables<'_>) -> Self {
        let apps = match variables.origin(APPS, "https://apps.example.com; no app is shown now") {
            Ok(None) => AppsOrigin::Opaque,
            Ok(Some(own)) => AppsOrigin::Own(own),
            Err(_) => AppsOrigin::None,
        };
        let page = variables.origin(PAGE, "https://play.example.com; there is no playground now");
        let server = variables.origin(
            SERVER,
            "https://mcp.example.com; there is no playground now",
        );
        let shares_server = matches!(page, Ok(None));
        let mut problem = None;
        let page = match (page, server) {
            (Ok(Some(page)), Ok(Some(server))) => {
                let is_shared = page.is_at(server.host())
                    || [&page, &server].iter().any(|own| apps.is_at(own.host()));
                problem = is_shared.then_some(SHARED);
                (!is_shared).then_some(PageOrigin { page, server })
            }
            (Ok(Some(_)), Ok(None)) => {
                problem = Some(NO_SERVER);
                None
            }
            (Ok(None), Ok(Some(_))) => {
                problem = Some(NO_PAGE);
                None
            }
            _ => None,
        };
        variables.problems.extend(problem.map(str::to_owned));
        let has_page = shares_server || page.is_some();
        Self {
            apps,
            page,
            has_page,
            files_first: Rc::default(),
        }
    }

    /// Whether hosts have to be told apart.
    pub(in crate::http) fn are_apart(&self) -> bool {
        self.page.is_some() || matches!(self.apps, AppsOrigin::Own(_))
    }

    /// A path of the page as others write it: with the page's origin, if that is not the server's.
    pub(in crate::http) fn of_page(&self, path: &str) -> String {
        format!(
            "{}{path}",
            self.page.as_ref().map_or("", |own| own.page.as_str())
        )
    }

    /// Whether an origin is that of the page alone.
    pub(in crate::http) fn is_page(&self, origin: &str) -> bool {
        self.page
            .as_ref()
            .is_some_and(|own| own.page.as_str().eq_ignore_ascii_case(origin))
    }

    /// A request of the page as it would have come to the server's origin.
    pub(super) fn at_server(&self, head: &Head) -> Head {
        let mut head = head.clone();
        if let Some(PageOrigin { server, .. }) = &self.page {
            head.secure = server.as_str().starts_with("https:");
            server.host().clone_into(&mut head.host);
        }
        head
    }

    /// The hosts that the variables name.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        let apps = match &self.apps {
            AppsOrigin::Own(own) => Some(own),
            AppsOrigin::Opaque | AppsOrigin::None => None,
        };
        let of_page = self.page.iter().flat_map(|own| [&own.page, &own.server]);
        of_page.chain(apps).map(OwnOrigin::host)
    }

    /// Tells operators, once, of a page that asks for its settings and did not come from the Worker.
    pub(super) fn check_page(&self, head: &Head, runtime: &dyn RequestRuntime) {
        let is_of_a_page = head.raw_header("sec-fetch-site").as_deref() == Some("same-origin");
        if is_of_a_page && head.query != FROM_WORKER && !self.files_first.replace(true) {
            runtime.warn(FILES_FIRST);
        }
    }

    /// The fault that pages have shown.
    pub(in crate::http) fn problem(&self) -> Option<String> {
        self.files_first.get().then(|| FILES_FIRST.to_owned())
    }
}
