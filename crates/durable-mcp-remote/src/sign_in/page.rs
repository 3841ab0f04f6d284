//! Pages that the browser shows at the end: no script, nothing from elsewhere, in English or Chinese.

/// Language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

impl Language {
    /// Language that `Accept-Language` names first of those that there are.
    pub(crate) fn of(accept_language: &str) -> Self {
        let mut best = (Self::English, 0.0);
        for range in accept_language.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight: f32 = parameters
                .trim()
                .strip_prefix("q=")
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            let language = match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("zh") => Self::Chinese,
                Some("en") => Self::English,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

/// Outcome that a page tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server at this host is connected.
    Connected { host: String },
    /// The sign-in failed.
    Failed { host: String, reason: String },
    /// The address belongs to no sign-in that is under way.
    Unknown,
    /// Unknown path.
    NotFound,
}

impl Outcome {
    /// HTML of the page.
    pub(crate) fn page(&self, language: Language) -> String {
        let (title, text) = self.texts(language);
        let (title, text, tag) = (escape(&title), escape(&text), language.tag());
        format!(
            "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n</main>\n</body>\n</html>\n"
        )
    }

    fn texts(&self, language: Language) -> (String, String) {
        let (title, text) = match (self, language) {
            (Self::Connected { host }, Language::English) => {
                (format!("Connected to {host}"), "You can close this window and go back to your program.".to_owned())
            }
            (Self::Connected { host }, Language::Chinese) => {
                (format!("已连接到 {host}"), "您可以关闭此窗口，返回您的程序。".to_owned())
            }
            (Self::Failed { host, reason }, Language::English) => {
                (format!("Not connected to {host}"), format!("{reason}. You can close this window."))
            }
            (Self::Failed { host, reason }, Language::Chinese) => {
                (format!("未能连接到 {host}"), format!("{reason}。您可以关闭此窗口。"))
            }
            (Self::Unknown, Language::English) => (
                "No sign-in here".to_owned(),
                "This address belongs to no sign-in that is under way. Start it again from your program.".to_owned(),
            ),
            (Self::Unknown, Language::Chinese) => {
                ("没有进行中的登录".to_owned(), "此地址不属于任何进行中的登录。请从您的程序重新开始。".to_owned())
            }
            (Self::NotFound, Language::English) => {
                ("Not found".to_owned(), "There is nothing at this address.".to_owned())
            }
            (Self::NotFound, Language::Chinese) => ("未找到".to_owned(), "此地址没有内容。".to_owned()),
        };
        (title, text)
    }
}

const STYLE: &str = ":root{color-scheme:light dark}\
    body{font:1.1rem/1.6 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}\
    main{max-width:36rem;padding:2rem;overflow-wrap:anywhere}h1{font-size:1.5rem}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_chosen() {
        for chinese in ["zh-CN,zh;q=0.9,en;q=0.8", "zh", "fr, zh-TW;q=0.5, en;q=0.4"] {
            assert_eq!(Language::of(chinese), Language::Chinese, "{chinese}");
        }
        for english in [
            "",
            "en-US,en;q=0.9,zh;q=0.8",
            "fr",
            "*",
            "zh;q=0.1,en;q=0.2",
            "中文",
            "zh;q=x",
        ] {
            assert_eq!(Language::of(english), Language::English, "{english}");
        }
    }

    #[test]
    fn texts_of_servers_are_escaped_in_the_page() {
        let failed = Outcome::Failed {
            host: "x.example".to_owned(),
            reason: "<script>\"&".to_owned(),
        };
        let page = failed.page(Language::English);
        assert!(page.contains("&lt;script&gt;&quot;&amp;"));
        assert!(!page.contains("<script"));
    }
}
