//! Redirects: followed within an origin where method and body stay, otherwise refused with the new URL.

use reqwest::{Method, StatusCode, Url};

/// Redirects that one request follows; a longer chain is a loop.
pub(super) const MOST_REDIRECTS: usize = 5;

/// Meaning of an answer's status and `Location`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// No redirect, or one without a place to go to.
    None,
    Follow(Url),
    /// Sentence about the new URL.
    Refused(String),
}

/// Decides about the answer to a request of `method` to `url`.
///
/// Only 307 and 308 keep method and body for certain. To another origin nothing is sent: bodies, tokens and sessions are
/// the first one's.
pub(super) fn redirect(
    method: &Method,
    url: &Url,
    status: StatusCode,
    location: Option<&str>,
) -> Redirect {
    let keeps_method = matches!(status.as_u16(), 307 | 308);
    if !keeps_method && !matches!(status.as_u16(), 301..=303) {
        return Redirect::None;
    }
    let Some(target) = location.and_then(|location| url.join(location).ok()) else {
        return Redirect::None;
    };
    if target.origin() != url.origin() {
        return Redirect::Refused(format!(
            "the server sends to another one, {}; if you trust it, use that URL instead",
            shown(&target)
        ));
    }
    if keeps_method || *method == Method::GET {
        return Redirect::Follow(target);
    }
    Redirect::Refused(format!(
        "the server moved to {} by a {}, which loses the message; use that URL instead",
        shown(&target),
        status.as_u16()
    ))
}

/// Address without query and fragment, which may hold secrets.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, StatusCode, Url};

    use super::{Redirect, redirect};

    fn decide(method: &Method, status: u16, location: Option<&str>) -> Redirect {
        let url: Url = "https://a.example/mcp?x=1".parse().unwrap();
        redirect(
            method,
            &url,
            StatusCode::from_u16(status).unwrap(),
            location,
        )
    }

    #[test]
    fn post_follows_307_and_308_within_the_origin() {
        for status in [307, 308] {
            let target = "https://a.example/v2/mcp".parse().unwrap();
            assert_eq!(
                decide(&Method::POST, status, Some("/v2/mcp")),
                Redirect::Follow(target)
            );
        }
    }

    #[test]
    fn post_refuses_redirects_that_lose_the_message_and_names_the_new_url() {
        for status in [301, 302, 303] {
            let Redirect::Refused(reason) =
                decide(&Method::POST, status, Some("/v2/mcp?code=s3cret"))
            else {
                panic!("{status}")
            };
            assert!(
                reason.contains("https://a.example/v2/mcp by") && !reason.contains("s3cret"),
                "{reason}"
            );
            assert!(matches!(
                decide(&Method::GET, status, Some("/v2/mcp")),
                Redirect::Follow(_)
            ));
        }
    }

    #[test]
    fn no_method_follows_to_another_origin() {
        for location in [
            "https://b.example/",
            "http://a.example/mcp",
            "https://a.example:444/",
            "//b.example/",
        ] {
            for method in [Method::POST, Method::GET, Method::DELETE] {
                assert!(
                    matches!(decide(&method, 307, Some(location)), Redirect::Refused(_)),
                    "{location}"
                );
            }
        }
    }

    #[test]
    fn other_responses_are_no_redirects() {
        assert_eq!(decide(&Method::POST, 200, Some("/a")), Redirect::None);
        assert_eq!(decide(&Method::GET, 304, Some("/a")), Redirect::None);
        assert_eq!(decide(&Method::POST, 307, None), Redirect::None);
    }
}
