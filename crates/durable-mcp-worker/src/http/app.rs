//! Settings and features of one deployment: server, provider, routes, policy and variables.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use durable_core::keys::Keys;
use durable_mcp_protocol::Server;
use oauth_server::provider::OAuth;
use oauth_server::scope::Scopes;
use oauth_server::sign_in::SignInStatus;
use sign_in::settings;

use super::authentication::{CallerCache, OAuthFront};
use super::operator::{OPERATOR_TOKEN, OperatorAccess};
use super::own_route::OwnRoute;
use super::playground::origin::Origins;
use super::playground::paths;
use super::playground::relay::settings::RelaySettings;
use super::playground::settings::ChatSettings;
use super::policy::Policy;
use super::protected_server::ProtectedServer;
use super::provider::Provider;
use super::route::Paths;
use super::variables::Variables;
use crate::session::log_line::RequestLog;
use crate::session::object::{DEFAULT_IDLE_SECONDS, DEFAULT_RESUME_SECONDS, Settings};
use crate::transport::session_id::DEFAULT_MAX_AGE_SECONDS;

/// The jurisdictions of Durable Objects (<https://developers.cloudflare.com/durable-objects/reference/data-location>).
const JURISDICTIONS: [&str; 4] = ["eu", "us", "fedramp", "fedramp-high"];

/// The regions that sessions can be asked to start in; more exact ones begin with one of them and a hyphen (the same page).
const LOCATION_HINTS: [&str; 9] = [
    "wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me",
];

/// The secret that the keys are made from, if it is set.
pub(crate) const SESSION_KEY: &str = "SESSION_KEY";

/// The binding of the assets with the page at `/playground`: a deployment without it has no such page.
pub(crate) const PLAYGROUND: &str = "PLAYGROUND";

/// Text sent by a server whose variables name an identity provider, and whose application takes no sign-in.
const NO_SIGN_IN: &str = "IDENTITY_PROVIDER is set, but the function `app` of this server takes no sign-in, so nobody is let in. \
     Give it to the application there, by `match durable_mcp::identity::from_variables(env) { Some(sign_in) => \
     app.oauth(sign_in.oauth()), None => app }`: see docs/identity/README.md.";

/// Text sent by such a server if its build has left sign-in out.
const SIGN_IN_LEFT_OUT: &str = "IDENTITY_PROVIDER is set, but sign-in is not in this build, so nobody is let in. Set it in \
     wrangler.toml or .dev.vars, where the build looks for it, and build again: see docs/identity/README.md.";

/// Text for a chat that nobody can be let in to.
const NOBODY_CHATS: &str = "PLAYGROUND_CHAT is set, and nobody signs in, so there is no chat: set IDENTITY_PROVIDER, or have \
     PLAYGROUND_CHAT_URL lead to a model on this machine.";

/// Words for the scope of the chat on the consent page.
const CHAT_WORDS: &str =
    "Chat with this server's model in the playground / 在试用页面中与此服务器的模型对话";

/// Text for a relay that nobody signs in to.
const NOBODY_RELAYS: &str = "PLAYGROUND_RELAY is on, and nobody signs in, so there is a relay on this machine alone: set \
     IDENTITY_PROVIDER.";

/// Text for a relay whose requests could reach what visitors cannot.
const RELAY_NOT_PUBLIC: &str = "PLAYGROUND_RELAY is on, and there is no relay, since its requests would go around Access and the \
     firewall of this Worker's own zone. Add \"global_fetch_strictly_public\" to compatibility_flags in wrangler.toml and \
     deploy again.";

/// Words for the scope of the relay on the consent page.
const RELAY_WORDS: &str = "Reach other servers through this one in the playground / 在试用页面中通过此服务器访问其他服务器";

/// A deployment: the server, its paths, and the access to it.
///
/// Variables of the deployment, by name:
///
/// | variable | meaning | without it |
/// |---|---|---|
/// | `ALLOWED_ORIGINS` | origins of web pages that may call, separated by commas; `https://*.example.com` for all below; `*` for all | the server's own, and loopback on loopback |
/// | `ALLOWED_HOSTS` | hosts that may be named in plain HTTP, separated by commas; `*.example.com` for all below | loopback |
/// | `SESSION_IDLE_SECONDS` | after which an unused session ends | [`DEFAULT_IDLE_SECONDS`] |
/// | `SESSION_MAX_AGE_SECONDS` | after which any session ends | [`DEFAULT_MAX_AGE_SECONDS`] |
/// | `SESSION_RESUME_SECONDS` | for which a client can come back for what a broken stream missed | [`DEFAULT_RESUME_SECONDS`] |
/// | `SESSION_JURISDICTION` | `eu`, `us`, `fedramp` or `fedramp-high`: where sessions run and are kept | anywhere |
/// | `SESSION_LOCATION_HINT` | `weur`, `enam`, ...: where sessions should run | near their first request |
/// | `CLIENT_DOCUMENT_PORTS` | ports, separated by commas, that metadata documents of clients may be at besides 443 | 443 alone |
/// | `PLAYGROUND_CHAT`, `PLAYGROUND_MODELS`, `PLAYGROUND_CHAT_URL`, `PLAYGROUND_CHAT_KEY`, `PLAYGROUND_CHAT_DAILY`, `PLAYGROUND_CHAT_TOTAL` | the model that the playground lends: see `docs/playground.md` | no chat |
/// | `PLAYGROUND_RELAY` | `on`: the playground reaches servers that answer to no page through this deployment: see `docs/playground.md` | no relay |
/// | `PLAYGROUND_RELAY_HOSTS` | hosts that it relays to, separated by commas; `*.example.com` for all below | any of the public web |
/// | `ANSWERS` | `events`: results are always sent as an event stream; `initialize`, errors before a request runs and `tasks/*` stay JSON | JSON, unless the tool sends progress, a log message or a question before its result |
/// | `OPERATOR_TOKEN` | a secret of 32 characters or more, with which an operator lists and ends users' grants by `POST /operator` | no such route |
/// | `PLAYGROUND_APPS_ORIGIN` | an origin of this Worker that serves apps of the playground, and nothing else: `https://apps.example.com` | apps have no storage |
/// | `PLAYGROUND_ORIGIN` | an origin of this Worker that serves the playground, and nothing else: `https://play.example.com` | the server's |
/// | `PLAYGROUND_SERVER_ORIGIN` | the origin of the server, for a playground with an origin of its own: `https://mcp.example.com` | no such playground |
/// | `LOG_REQUESTS` | requests that leave a line in the log: `all`; `errors`, those that failed or were slow; `none` | `errors` |
#[derive(Clone)]
pub struct App {
    /// The MCP server.
    pub server: Rc<Server>,
    pub(crate) paths: Paths,
    pub(crate) policy: Policy,
    pub(crate) settings: Rc<Settings>,
    pub(crate) placement: Placement,
    pub(crate) provider: Option<Rc<dyn Provider>>,
    pub(crate) operator: OperatorAccess,
    pub(super) own_routes: Vec<OwnRoute>,
    /// Handler of scheduled events, which only the runtime knows how to call.
    pub(crate) on_schedule: Option<Rc<dyn Any>>,
    /// Functions of the runtime that only a server with sign-in has.
    pub(crate) oauth_functions: Option<&'static dyn Any>,
    /// Text for the case that the variables name an identity provider, and there is none.
    without_sign_in: &'static str,
    /// Misconfiguration for which every request is rejected: serving without the missing protection would let in everybody.
    pub(crate) closed: Option<&'static str>,
    pub(super) missing: Option<MissingBindings>,
    /// True if the deployment has the page at `/playground` among its assets.
    pub(crate) has_playground: bool,
    /// The origins of that page and of apps that it shows.
    pub(super) origins: Origins,
    /// The chat of that page; none where it is off.
    pub(super) chat: Option<ChatSettings>,
    /// The relay of that page; none where it is off.
    pub(super) relay: Option<RelaySettings>,
    problems: Vec<String>,
}

/// The placement of sessions' objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The jurisdiction that sessions must not leave; an error if it is unknown, since no session may be created outside of
    /// it.
    pub jurisdiction: Result<Option<String>, String>,
    /// A region that they should start in.
    pub location_hint: Option<String>,
}

/// Bindings that a deployment lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MissingBindings {
    /// All of them, with what to do.
    pub(super) text: String,
    /// True if one of them is vital, so that requests to MCP and OAuth endpoints are rejected.
    pub(super) is_vital: bool,
}

/// Settings of sessions, by their variables.
fn session_settings(variables: &mut Variables<'_>) -> Settings {
    Settings {
        idle_ms: variables.seconds("SESSION_IDLE_SECONDS", DEFAULT_IDLE_SECONDS),
        max_age_ms: variables.seconds("SESSION_MAX_AGE_SECONDS", DEFAULT_MAX_AGE_SECONDS),
        resume_ms: variables.seconds("SESSION_RESUME_SECONDS", DEFAULT_RESUME_SECONDS),
        request_log: variables.request_log("LOG_REQUESTS"),
        always_streams: matches!(variables.word("ANSWERS", &["events"]), Ok(Some(_))),
    }
}

impl App {
    /// A public server at `/mcp` and `/sse`.
    #[must_use]
    pub fn new(server: Server) -> Self {
        let settings = Settings {
            idle_ms: DEFAULT_IDLE_SECONDS * 1000,
            max_age_ms: DEFAULT_MAX_AGE_SECONDS * 1000,
            resume_ms: DEFAULT_RESUME_SECONDS * 1000,
            request_log: RequestLog::default(),
            always_streams: false,
        };
        Self {
            server: Rc::new(server),
            provider: None,
            operator: OperatorAccess::Off,
            own_routes: Vec::new(),
            on_schedule: None,
            oauth_functions: None,
            without_sign_in: NO_SIGN_IN,
            paths: Paths::default(),
            policy: Policy::default(),
            settings: Rc::new(settings),
            placement: Placement {
                jurisdiction: Ok(None),
                location_hint: None,
            },
            closed: None,
            missing: None,
            has_playground: false,
            origins: Origins::default(),
            chat: None,
            relay: None,
            problems: Vec::new(),
        }
    }

    /// Serves at other paths. Where both are the same, a GET without a session id opens an HTTP+SSE stream.
    #[must_use]
    pub fn paths(mut self, mcp: &str, sse: &str) -> Self {
        self.paths = Paths::new(mcp, sse);
        self
    }

    /// An application whose build has left sign-in out. If the variable `IDENTITY_PROVIDER` names a provider, its operators are told to
    /// build again, and not to call [`App::oauth`].
    #[must_use]
    pub fn built_without_sign_in(mut self) -> Self {
        self.without_sign_in = SIGN_IN_LEFT_OUT;
        self
    }

    pub(crate) fn with_provider(mut self, oauth: OAuth) -> Self {
        let tool_scopes = Scopes::parse(&self.server.scopes().join(" ")).unwrap_or_default();
        if let Some(SignInStatus::Misconfigured(problem)) = oauth.sign_in_status() {
            self.problems.push(format!("Nobody can sign in: {problem}"));
        }
        self.provider = Some(Rc::new(OAuthFront {
            oauth,
            tool_scopes,
            callers: CallerCache::default(),
        }));
        self
    }

    /// The server as its provider sees it.
    pub(crate) fn protected(&self) -> ProtectedServer<'_> {
        ProtectedServer {
            server: &self.server,
            paths: &self.paths,
            settings: &self.settings,
            operator: &self.operator,
        }
    }

    /// Takes the variables of the deployment.
    #[must_use]
    pub fn with_variables(mut self, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut variables = Variables::new(variable);
        let [origins, hosts] = ["ALLOWED_ORIGINS", "ALLOWED_HOSTS"].map(variable);
        self.policy = Policy::new(
            origins.as_deref(),
            hosts.as_deref(),
            &mut variables.problems,
        );
        self.settings = Rc::new(session_settings(&mut variables));
        self = self.with_playground(&mut variables);
        self.placement = Placement {
            jurisdiction: variables.word("SESSION_JURISDICTION", &JURISDICTIONS),
            location_hint: variables.hint("SESSION_LOCATION_HINT", &LOCATION_HINTS),
        };
        let ports = variables.ports("CLIENT_DOCUMENT_PORTS");
        if !ports.is_empty() {
            self.provider = self.provider.map(|provider| provider.asking_ports(ports));
        }
        self.operator =
            OperatorAccess::from_variable(&variable(OPERATOR_TOKEN).unwrap_or_default());
        variables.problems.extend(
            self.operator
                .problem(self.provider.is_some())
                .map(str::to_owned),
        );
        self.closed = Keys::from_variable(&variable(SESSION_KEY).unwrap_or_default())
            .err()
            .or_else(|| self.lacks_protection(&variables));
        variables.problems.extend(self.closed.map(str::to_owned));
        variables
            .problems
            .append(&mut settings::unused_lists(variable));
        self.problems.append(&mut variables.problems);
        // Only after the variables are all paths of the library known.
        let mut of_paths = self.check_paths();
        of_paths.append(&mut self.check_own_routes());
        self.problems.append(&mut of_paths);
        self
    }

    /// Takes the variables of the playground: its origins, chat and relay.
    fn with_playground(mut self, variables: &mut Variables<'_>) -> Self {
        self.origins = Origins::from_variables(variables);
        self.has_playground = variables.text(PLAYGROUND).is_some() && self.origins.has_page;
        if self.has_playground {
            self.provider = self
                .provider
                .map(|provider| provider.serving_client(&self.origins.of_page(paths::CALLBACK)));
            self.chat = ChatSettings::from_variables(variables);
            self.relay = RelaySettings::from_variables(variables);
        }
        if let Some(chat) = &self.chat {
            let is_served = self.provider.is_some() || chat.source.is_local();
            variables
                .problems
                .extend((!is_served).then(|| NOBODY_CHATS.to_owned()));
        }
        if self.relay.is_some() && self.provider.is_none() {
            variables.problems.push(NOBODY_RELAYS.to_owned());
        }
        let costly: Vec<_> = [
            self.chat.as_ref().map(|_| (paths::CHAT, CHAT_WORDS)),
            self.relay.as_ref().map(|_| (paths::RELAY, RELAY_WORDS)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !costly.is_empty() {
            self.provider = self
                .provider
                .map(|provider| provider.offering(paths::PAGE, &costly));
        }
        self
    }

    /// Text for the case that the variables name an identity provider, and there is none.
    fn lacks_protection(&self, variables: &Variables<'_>) -> Option<&'static str> {
        let wanted = variables
            .text("IDENTITY_PROVIDER")
            .filter(|name| name != "none");
        wanted
            .filter(|_| self.provider.is_none())
            .map(|_| self.without_sign_in)
    }

    /// The same without a relay, for a runtime whose fetches may go around the guards of the Worker's own zone.
    #[must_use]
    pub fn without_relay(mut self) -> Self {
        if self.relay.take().is_some() {
            self.add_problem(RELAY_NOT_PUBLIC.to_owned());
        }
        self
    }

    pub(super) fn add_problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// The faults of the deployment: of its variables, its bindings and its own routes.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl From<Server> for App {
    fn from(server: Server) -> Self {
        Self::new(server)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("server", &self.server)
            .field("paths", &self.paths)
            .field("policy", &self.policy)
            .field("settings", &self.settings)
            .field("placement", &self.placement)
            .field("signs_in", &self.provider.is_some())
            .finish_non_exhaustive()
    }
}
