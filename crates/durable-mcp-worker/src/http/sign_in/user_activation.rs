//! The check that a form was sent after a click of a person in its window, beside that of its CSRF token (`consent.rs`,
//! `account.rs`).
//!
//! A script of this origin reads the token of a form, so the token alone does not show that somebody pressed a button. The
//! playground shares the origin with these pages, unless `PLAYGROUND_ORIGIN` is set, and shows texts of any server.

use durable_core::wire::{Head, Reply};

use super::visit::Visit;

/// Checks that a person's click or key sent the form, by Fetch Metadata (W3C): `fetch` has another mode, a form in a frame
/// another destination, and a click by script no user activation. No script can set or drop these headers.
///
/// User activation is of the window: a script of this origin that holds the window can send the form when the person clicks
/// anywhere in it. On a shared origin only the policy of the playground's page, which lets no foreign script run, prevents that;
/// a page with an origin of its own cannot reach into the window.
///
/// A browser sends all of them or none: none if it is older than 2023, or on plain HTTP. Its form has its token checked all the
/// same. A program may send the mode alone, as `fetch` of Node.js does.
pub(super) fn is_of_a_person(head: &Head) -> bool {
    let [site, mode, destination, user] = [
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-dest",
        "sec-fetch-user",
    ]
    .map(|name| head.raw_header(name));
    if site.is_none() && destination.is_none() && user.is_none() {
        return true;
    }
    let is_navigation =
        mode.as_deref() == Some("navigate") && destination.as_deref() == Some("document");
    is_navigation && (user.as_deref() == Some("?1") || (user.is_none() && !tells_activation(head)))
}

/// True if the browser sends `Sec-Fetch-User` for a click: Chromium and Firefox do, Safari does not. A script cannot change
/// the `User-Agent` of a navigation.
fn tells_activation(head: &Head) -> bool {
    let agent = head.header("user-agent").unwrap_or_default();
    ["Chrome/", "Chromium/", "Firefox/"]
        .iter()
        .any(|engine| agent.contains(engine))
}

/// The page in place of what the form would have done.
pub(super) fn refuse(visit: &Visit<'_>) -> Reply {
    let text = visit.frame.say(
        "This was not sent by a click on this page, so nothing was done. Press the button yourself; if you did not start \
         this, close the window.",
        "此请求并非由您在此页面上点击发出，因此未执行任何操作。请亲自点击按钮；如果不是您发起的，请关闭此窗口。",
    );
    visit.error_page(403, text, "a form that a script sent", &[])
}
