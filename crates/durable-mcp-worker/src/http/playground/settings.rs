//! The variables of the playground's chat.

use std::rc::Rc;

use durable_mcp_protocol::cut::Quoted;
use oauth_server::authority::SpendingQuota;
use oauth_server::secret::Secret;
use oauth_server::uri::Uri;

use super::spending::ChatQuotas;
use crate::http::policy::is_loopback;
use crate::http::variables::Variables;

/// The binding of Workers AI.
pub(in crate::http) const AI: &str = "AI";

/// Path of an OpenAI-compatible endpoint below its base.
const COMPLETIONS: &str = "/chat/completions";

/// One person's day: an hour of chatting with tools.
const USER: SpendingQuota = SpendingQuota {
    requests: 100,
    tokens: 50_000,
    at_once: 1,
};

/// Everybody's day: some euros with a large model. Each request under way has its place in one row.
const TOTAL: SpendingQuota = SpendingQuota {
    requests: 500,
    tokens: 250_000,
    at_once: 100,
};

/// The service that has the models.
#[derive(Debug, Clone)]
pub enum ModelSource {
    /// Workers AI, by its binding.
    WorkersAi,
    /// An OpenAI-compatible endpoint.
    OpenAi {
        /// The URL of its chat completions.
        url: String,
        /// The key, if there is one.
        key: Option<Rc<Secret>>,
    },
}

impl ModelSource {
    /// Whether it runs on this machine, so that its answers cost nobody anything.
    pub(in crate::http) fn is_local(&self) -> bool {
        matches!(self, Self::OpenAi { url, .. } if host_of(url).is_some_and(is_loopback))
    }
}

/// The chat of a deployment.
#[derive(Debug, Clone)]
pub(in crate::http) struct ChatSettings {
    pub(in crate::http) source: ModelSource,
    /// The models that may be asked, the first of them by default.
    pub(in crate::http) models: Vec<String>,
    pub(in crate::http) quotas: ChatQuotas,
}

impl ChatSettings {
    /// Reads the variables; none where the chat is off or cannot be served, which is among the problems then.
    pub(in crate::http) fn from_variables(variables: &mut Variables<'_>) -> Option<Self> {
        let kind = variables
            .word("PLAYGROUND_CHAT", &["off", "workers-ai", "openai"])
            .ok()??;
        let models: Vec<String> = variables
            .text("PLAYGROUND_MODELS")
            .unwrap_or_default()
            .split([',', ' '])
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let source = match kind.as_str() {
            "workers-ai" => ModelSource::WorkersAi,
            "openai" => endpoint(variables)?,
            _ => return None,
        };
        if models.is_empty() {
            variables
                .problems
                .push("PLAYGROUND_CHAT needs the names of models in PLAYGROUND_MODELS.".to_owned());
            return None;
        }
        let quotas = ChatQuotas {
            user: quota(variables, "PLAYGROUND_CHAT_DAILY", USER),
            total: quota(variables, "PLAYGROUND_CHAT_TOTAL", TOTAL),
        };
        Some(Self {
            source,
            models,
            quotas,
        })
    }
}

/// A quota as `requests/tokens`.
fn quota(variables: &mut Variables<'_>, name: &str, default: SpendingQuota) -> SpendingQuota {
    let Some(text) = variables.text(name) else {
        return default;
    };
    let read = text.split_once('/').and_then(|(requests, tokens)| {
        Some((requests.trim().parse().ok()?, tokens.trim().parse().ok()?))
    });
    if let Some((requests, tokens)) = read {
        return SpendingQuota {
            requests,
            tokens,
            ..default
        };
    }
    let SpendingQuota {
        requests, tokens, ..
    } = default;
    variables.problems.push(format!(
        "{name} is {}; expected are requests and output tokens a day, as in {requests}/{tokens}, which it is now.",
        Quoted(&text)
    ));
    default
}

fn endpoint(variables: &mut Variables<'_>) -> Option<ModelSource> {
    let Some(base) = variables.text("PLAYGROUND_CHAT_URL") else {
        variables
            .problems
            .push("PLAYGROUND_CHAT is openai, and PLAYGROUND_CHAT_URL is not set.".to_owned());
        return None;
    };
    if !is_https_or_loopback(&base) {
        variables.problems.push(format!(
            "PLAYGROUND_CHAT_URL is {}; expected is an https URL such as https://api.openai.com/v1, or one on loopback.",
            Quoted(&base)
        ));
        return None;
    }
    let base = base.trim_end_matches('/');
    let url = if base.ends_with(COMPLETIONS) {
        base.to_owned()
    } else {
        format!("{base}{COMPLETIONS}")
    };
    let key = variables
        .text("PLAYGROUND_CHAT_KEY")
        .map(|key| Rc::new(Secret::new(key)));
    Some(ModelSource::OpenAi { url, key })
}

fn is_https_or_loopback(url: &str) -> bool {
    host_of(url).is_some_and(|host| {
        url.starts_with("https://") || (url.starts_with("http://") && is_loopback(host))
    })
}

/// Host and port of a URL without a user in it.
fn host_of(url: &str) -> Option<&str> {
    Uri::parse(url)?
        .authority
        .filter(|authority| !authority.is_empty() && !authority.contains('@'))
}
