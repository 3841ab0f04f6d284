//! A request of a person's browser to the pages of a sign-in.

use durable_core::formats::Format;
use durable_core::seal::{open_with, seal_page, try_open_page};
use durable_core::wire::{Head, Reply, RuntimeError};
use http::{Method, StatusCode};
use oauth_server::auth_server::AuthServer;
use oauth_server::authorize::{self, again, refused};
use oauth_server::params::RequestParams;
use oauth_server::sign_in::{Authorization, SignIn, SignInStatus};
use oauth_server::uri::Uri;
use sign_in::upstream::Upstream;
use sign_in::{DynIdentityProvider, IdentityError};

use super::IdentitySignIn;
use super::purpose::{SignInPurpose, StateParameter};
use crate::http::cookies::Cookies;
use crate::http::problem::{self, ErrorPage};
use crate::pages::frame::{Frame, plain};
use crate::pages::language::Language;
use crate::pages::problem::Link;

/// Bytes of a form: a name and a few tokens.
const MAX_FORM_BYTES: usize = 8 * 1024;

/// Characters of a client's name on a page. Longer ones are there to push other things out of sight.
pub(super) const MAX_NAME_CHARS: usize = 80;

/// A request, and the cookies that its answer sets.
pub(super) struct Visit<'a> {
    pub(super) auth_server: &'a AuthServer<'a>,
    pub(super) head: &'a Head,
    pub(super) cookies: Cookies,
    pub(super) frame: Frame<'a>,
    pub(super) web: &'a dyn Upstream,
}

impl<'a> Visit<'a> {
    pub(super) fn new(
        sign_in: &'a IdentitySignIn,
        auth_server: &'a AuthServer<'a>,
        head: &'a Head,
    ) -> Self {
        let frame = Frame {
            server: auth_server.name,
            language: Language::of(head.header("accept-language").as_deref()),
            is_demo: sign_in.status() == Some(SignInStatus::Demo),
        };
        Self {
            auth_server,
            head,
            cookies: Cookies::from_head(head),
            frame,
            web: &*sign_in.web,
        }
    }

    /// URL that the identity provider redirects the browser to.
    pub(super) fn callback(&self) -> String {
        format!(
            "{}{}",
            self.auth_server.origin,
            self.auth_server.oauth.endpoint_paths().callback
        )
    }

    pub(super) fn account(&self) -> &'a str {
        &self.auth_server.oauth.endpoint_paths().account
    }

    /// The fields of a form; `None` if the body is too long or not a form.
    pub(super) async fn form(&self) -> Option<RequestParams> {
        let text = self.auth_server.runtime.body(MAX_FORM_BYTES).await.ok()?;
        RequestParams::parse(&text).ok()
    }

    pub(super) async fn seal(
        &self,
        purpose: &str,
        plaintext: &[u8],
    ) -> Result<String, RuntimeError> {
        let keys = self.auth_server.runtime.keys(false).await?;
        seal_page(&keys, purpose, plaintext, self.auth_server.runtime.random())
    }

    /// Opens a sealed text; `None` if it was not sealed here, or its key is gone.
    ///
    /// # Errors
    /// When there are no keys, or the text is of another version.
    pub(super) async fn open(
        &self,
        format: Format,
        purpose: &str,
        sealed: &str,
    ) -> Result<Option<Vec<u8>>, RuntimeError> {
        open_with(self.auth_server.runtime, format, |keys| {
            try_open_page(keys, purpose, sealed)
        })
        .await
    }

    /// Sends the browser on. What was posted is not posted there again.
    pub(super) fn redirect(&self, url: impl Into<String>) -> Reply {
        let status = if self.head.method == Method::POST {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::FOUND
        };
        Reply::empty(status)
            .header("location", url.into())
            .header("cache-control", "no-store")
            // The address that the browser leaves may hold a code.
            .header("referrer-policy", "no-referrer")
    }

    /// The `form-action` of a page: the identity provider, by way of servers that are not known beforehand, and the client
    /// behind it.
    pub(super) fn form_action(&self, client: Option<&Authorization>) -> String {
        let mut sources = vec!["https:".to_owned()];
        if !self.head.secure {
            sources.extend(["http://localhost:*", "http://127.0.0.1:*"].map(str::to_owned));
        }
        if let Some(asked) = client {
            let uri = &asked.redirect_uri;
            match (uri.scheme(), uri.host()) {
                ("https", _) => {}
                // A policy has no way to write an IPv6 address.
                ("http", Some(host)) if !host.starts_with('[') => {
                    sources.push(format!("http://{host}:*"));
                }
                (scheme, _) => sources.push(format!("{scheme}:")),
            }
        }
        sources.join(" ")
    }

    /// Ends an authorization request with an error before the user was asked about its client.
    pub(super) fn end_unasked(
        &self,
        authorization: &Authorization,
        error: &'static str,
        text: &'static str,
    ) -> Reply {
        self.authorize_reply(authorize::unasked(
            self.auth_server,
            authorization,
            error,
            text,
        ))
    }

    /// The answer of an authorization request as HTTP has it.
    pub(super) fn authorize_reply(&self, answer: authorize::AuthorizeResponse) -> Reply {
        match answer {
            authorize::AuthorizeResponse::Redirect(url) => self.redirect(url),
            authorize::AuthorizeResponse::Problem(wrong) => self.authorize_error(&wrong),
            authorize::AuthorizeResponse::Show(reply) => reply,
        }
    }

    /// Shows an error of an authorization request.
    pub(super) fn authorize_error(&self, wrong: &authorize::AuthorizePageError) -> Reply {
        let (text, cause) = (
            problem::message(self.frame.language, wrong),
            wrong.to_string(),
        );
        self.error_page(wrong.status(), &text, &cause, &[])
    }

    pub(super) fn error_page(&self, status: u16, text: &str, cause: &str, ways: &[Link]) -> Reply {
        problem::page(
            self.frame,
            self.auth_server.runtime,
            &ErrorPage {
                status,
                text,
                cause,
                ways,
            },
        )
    }

    pub(super) fn misconfigured(&self, problem: &str) -> Reply {
        self.error_page(500, problem, problem, &[])
    }

    pub(super) fn insecure(&self) -> Reply {
        let text = self.frame.say(
            "Sign-in works by https only, or on the machine that this server runs on. Open its https address.",
            "登录仅支持 https，或在运行此服务器的本机上进行。请打开其 https 地址。",
        );
        self.error_page(400, text, "sign-in by plain http", &[])
    }

    /// Page for a request that fits no sign-in of this browser, or one that is over.
    pub(super) fn no_flow(&self, cause: &str) -> Reply {
        let text = self.frame.say(
            "This page was used already, or it belongs to another browser. Go back to your application and start again there.",
            "此页面已被使用过，或属于另一个浏览器。请返回您的应用重新开始。",
        );
        self.error_page(400, text, cause, &[])
    }

    /// The page for a sign-in that took too long.
    pub(super) fn expired(&self, aim: &SignInPurpose) -> Reply {
        let text = self.frame.say(
            "This took longer than ten minutes, so it was given up to be safe. Nothing has happened.",
            "操作超过十分钟，为安全起见已取消。没有产生任何影响。",
        );
        self.error_page(
            400,
            text,
            "a sign-in expired",
            &self.ways(aim, "access_denied"),
        )
    }

    /// Something of ours failed. The person can try again.
    pub(super) fn failed(&self, aim: &SignInPurpose, fault: &RuntimeError) -> Reply {
        let text = self.frame.say(
            "Something failed here that may work in a moment. Try again.",
            "此处出现了暂时的故障，请稍后重试。",
        );
        self.error_page(
            503,
            text,
            &fault.0,
            &self.ways(aim, "temporarily_unavailable"),
        )
    }

    /// Answers a sign-in that failed at the identity provider. A user who was asked about the client and then refused
    /// is sent back to it without a page.
    pub(super) fn not_signed_in(
        &self,
        provider: &dyn DynIdentityProvider,
        aim: &SignInPurpose,
        error: &IdentityError,
        was_asked: bool,
    ) -> Reply {
        if let (IdentityError::Denied(_), SignInPurpose::Client(asked)) = (error, aim)
            && was_asked
        {
            return self.redirect(refused(
                self.auth_server,
                asked,
                error.code(),
                "The user did not sign in.",
            ));
        }
        let (status, text) = self.identity_problem(provider.title(), error);
        self.error_page(
            status,
            &text,
            &error.to_string(),
            &self.ways(aim, error.code()),
        )
    }

    /// Status and text of the page about a sign-in that failed at the identity provider of that title.
    fn identity_problem(&self, title: &str, error: &IdentityError) -> (u16, String) {
        match error {
            IdentityError::Denied(_) => (
                403,
                self.frame
                    .say("You were not signed in.", "您尚未登录。")
                    .to_owned(),
            ),
            IdentityError::NotAllowed(who) => {
                let who = plain(who, MAX_NAME_CHARS);
                let english = format!(
                    "You are signed in as {who}, who may not use this server. Ask whoever runs it."
                );
                let chinese =
                    format!("您以 {who} 登录，但没有使用此服务器的权限。请联系其管理员。");
                (403, self.frame.say(&english, &chinese).to_owned())
            }
            IdentityError::Unavailable(_) => {
                let english =
                    format!("{title} cannot be reached, or has trouble. Try again in a moment.");
                let chinese = format!("无法连接 {title}，或其出现故障。请稍后重试。");
                (503, self.frame.say(&english, &chinese).to_owned())
            }
            IdentityError::Refused(_) => {
                let english = format!(
                    "{title} did not confirm who you are. Try again; if that does not help, tell whoever runs this server."
                );
                let chinese =
                    format!("{title} 未能确认您的身份。请重试；如仍不行，请联系服务器管理员。");
                (502, self.frame.say(&english, &chinese).to_owned())
            }
            IdentityError::Misconfigured(problem) => (500, problem.clone()),
        }
    }

    /// To try again, or to give up.
    fn ways(&self, aim: &SignInPurpose, error: &'static str) -> Vec<Link> {
        let try_again = self.frame.say("Try again", "重试").to_owned();
        match aim {
            SignInPurpose::Account => vec![Link {
                label: try_again,
                url: self.account().to_owned(),
            }],
            SignInPurpose::Client(asked) => {
                let back = self
                    .frame
                    .say("Back to the application", "返回应用")
                    .to_owned();
                vec![
                    Link {
                        label: try_again,
                        url: again(self.auth_server, asked),
                    },
                    Link {
                        label: back,
                        url: refused(
                            self.auth_server,
                            asked,
                            error,
                            "The user was not signed in.",
                        ),
                    },
                ]
            }
        }
    }
}

/// The `state` of a callback, not compared with any flow yet.
pub(super) fn state_of(params: &RequestParams) -> Option<StateParameter> {
    params.get("state").and_then(StateParameter::parse)
}

/// The host of a web page's URL, with its port; none if it is not one.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let uri = Uri::parse(url).filter(|uri| matches!(uri.scheme, "https" | "http"))?;
    uri.authority
        .filter(|authority| !authority.is_empty() && !authority.contains('@'))
}
