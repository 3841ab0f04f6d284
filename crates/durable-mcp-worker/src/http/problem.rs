//! Failures in front of a person: a page, and a line in the log that is found by the page's number.

use durable_core::wire::Reply;
use oauth_server::auth_server::OAuthRuntime;
use oauth_server::authorize::{AuthorizationError, AuthorizePageError as Wrong};
use serde_json::json;

use crate::pages::frame::Frame;
use crate::pages::language::Language;
use crate::pages::problem::{Link, ProblemPage};

/// Something that went wrong.
pub(super) struct ErrorPage<'a> {
    pub(super) status: u16,
    /// The cause, and what to do.
    pub(super) text: &'a str,
    /// For the log.
    pub(super) cause: &'a str,
    pub(super) ways: &'a [Link],
}

/// Error page for a person, and its line in the log.
pub(super) fn page(frame: Frame<'_>, runtime: &dyn OAuthRuntime, trouble: &ErrorPage<'_>) -> Reply {
    let ErrorPage {
        status,
        text,
        cause,
        ways,
    } = trouble;
    let mut bytes = [0; 4];
    // A page without a number of its own is better than none.
    let _ = runtime.random().fill(&mut bytes);
    let id = format!("{:08x}", u32::from_be_bytes(bytes));
    runtime.warn(
        &json!({ "event": "problem", "id": id, "status": status, "cause": cause }).to_string(),
    );
    ProblemPage {
        frame,
        text,
        ways,
        id: &id,
    }
    .reply(*status)
}

/// The fault of an authorization request, in the person's language.
pub(super) fn message(language: Language, wrong: &Wrong) -> String {
    if language == Language::English {
        return wrong.to_string();
    }
    let text = match wrong {
        Wrong::Damaged => "应用将您带到的地址已损坏。请从该应用重新开始。",
        Wrong::Repeated(name) => {
            return format!("应用将您带到的地址中 {name} 出现了两次。请从该应用重新开始。");
        }
        Wrong::NoClient => "应用没有说明自己的身份（缺少 client_id）。",
        Wrong::UnknownClient => {
            "此服务器不认识您的应用（client_id），或已很久没有见到它。请在应用中移除此服务器并重新添加，使其重新注册。"
        }
        Wrong::Client(error) if error.is_temporary() => "暂时无法确认该应用的身份，请稍后重试。",
        Wrong::Client(error) => {
            return format!("无法确认该应用的身份。请将此说明转告其开发者：{error}");
        }
        Wrong::NoRedirect => "应用没有说明将结果发送到哪里（redirect_uri）。",
        Wrong::ForeignRedirect => {
            "应用要求将结果发送到它未注册的地址（redirect_uri）。这可能是另一个冒用其名称的程序：除非您确知无误，请勿继续。"
        }
        Wrong::BadRedirect(bad) => {
            return format!(
                "应用要求将结果发送到此服务器不允许的地址。请将此说明转告其开发者：{bad}"
            );
        }
        Wrong::Request(AuthorizationError { error, description }) => {
            return format!(
                "无法处理该应用的请求。请从该应用重新开始；如仍不行，请将此说明转告其开发者：{description} ({error})"
            );
        }
        Wrong::NotAllowed => "您尚未登录，或没有使用此服务器的权限。请联系其管理员。",
        Wrong::Used => "此页面已被使用过。请返回您的应用重新开始。",
        Wrong::NoPage => "这里什么也没有。",
        Wrong::NoForm => "此处请使用 GET。",
    };
    text.to_owned()
}
