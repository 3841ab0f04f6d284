//! The languages that pages for people are in.

use durable_core::wire::quality;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// The one that a browser's `Accept-Language` likes better (RFC 9110 section 12.5.4).
    #[must_use]
    pub fn of(accepted: Option<&str>) -> Self {
        let ranges = accepted.unwrap_or_default().split(',').filter_map(|range| {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let language = match tag
                .trim()
                .split('-')
                .next()
                .map(str::to_ascii_lowercase)
                .as_deref()
            {
                Some("zh") => Self::Chinese,
                Some("en") => Self::English,
                _ => return None,
            };
            Some((language, quality(parameters).unwrap_or(0)))
        });
        // The first of those that are liked equally.
        let best = ranges.fold(
            None,
            |best: Option<(Self, u16)>, (language, quality)| match best {
                Some((_, most)) if most >= quality => best,
                _ => Some((language, quality)),
            },
        );
        best.map(|(language, _)| language).unwrap_or_default()
    }

    /// The tag of the language (RFC 5646).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// The text in this language.
    #[must_use]
    pub const fn say<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_chosen() {
        for (accepted, language) in [
            (None, Language::English),
            (Some(""), Language::English),
            (Some("de, fr;q=0.5"), Language::English),
            (Some("zh"), Language::Chinese),
            (Some("zh-CN,zh;q=0.9,en;q=0.8"), Language::Chinese),
            (Some("ZH-hans"), Language::Chinese),
            (Some("en-GB,en;q=0.9,zh;q=0.8"), Language::English),
            (Some("de, en;q=0.3, zh;q=0.7"), Language::Chinese),
            (Some("en;q=nonsense, zh;q=0.1"), Language::Chinese),
        ] {
            assert_eq!(Language::of(accepted), language, "{accepted:?}");
        }
    }
}
