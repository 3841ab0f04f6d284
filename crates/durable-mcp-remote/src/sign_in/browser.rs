//! Browser of the person who signs in.

use std::env;
use std::path::Path;

use reqwest::Url;

/// Opens a link without a shell; `false` if there is no browser here. Only links of http and https start anything.
pub(crate) async fn open(link: &Url) -> bool {
    if !is_web(link) || !has_window(|name| env::var(name).ok().filter(|value| !value.is_empty())) {
        return false;
    }
    let link = link.clone();
    // A start script may take its time.
    tokio::task::spawn_blocking(move || webbrowser::open(link.as_str()).is_ok())
        .await
        .unwrap_or(false)
}

/// Whether a link leads to a page: http is for this machine alone.
pub(crate) fn is_web(link: &Url) -> bool {
    let is_plain = link.scheme() == "http";
    (link.scheme() == "https" || is_plain)
        && link.has_host()
        && link.host_str().is_some_and(|host| !host.starts_with('-'))
}

/// Whether a browser would have a window. One of the terminal would take over the stream that messages come on.
fn has_window(variable: impl Fn(&str) -> Option<String>) -> bool {
    if let Some(browser) = variable("BROWSER") {
        return !browser.split(':').any(is_text_browser);
    }
    let has_display = variable("DISPLAY").is_some() || variable("WAYLAND_DISPLAY").is_some();
    let is_windows_below = variable("WSL_DISTRO_NAME").is_some();
    !cfg!(all(unix, not(target_os = "macos"))) && variable("SSH_CONNECTION").is_none()
        || has_display
        || is_windows_below
}

fn is_text_browser(command: &str) -> bool {
    let program = command.split_ascii_whitespace().next().unwrap_or_default();
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    [
        "www-browser",
        "lynx",
        "links",
        "links2",
        "elinks",
        "w3m",
        "eww",
        "netrik",
        "retawq",
        "curl",
        "browsh",
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_links_are_opened() {
        for link in [
            "https://x.example/$(id)",
            "http://localhost:1/a?b='c'",
            "https://x.example/`id`&|;",
        ] {
            assert!(is_web(&Url::parse(link).unwrap()), "{link}");
        }
        for link in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "ms-msdt:/id",
            "data:text/html,x",
            "https://-flag/",
        ] {
            assert!(!Url::parse(link).is_ok_and(|link| is_web(&link)), "{link}");
        }
    }

    #[test]
    fn a_terminal_browser_is_not_started() {
        let of = |pairs: &'static [(&str, &str)]| {
            has_window(move |name| {
                pairs
                    .iter()
                    .find(|(other, _)| *other == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(of(&[("BROWSER", "/opt/firefox %s")]));
        assert!(!of(&[("BROWSER", "/usr/bin/w3m")]));
        assert!(!of(&[("BROWSER", "firefox:lynx"), ("DISPLAY", ":0")]));
        assert!(of(&[("DISPLAY", ":0")]));
        assert!(of(&[("WSL_DISTRO_NAME", "Ubuntu")]));
    }
}
