//! The frame that the pages of a sign-in share.

use super::language::Language;

/// Data that every page of a sign-in shows.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Name of this server for people.
    pub server: &'a str,
    /// The language of the page.
    pub language: Language,
    /// True if sign-in takes anybody for the person they say they are.
    pub is_demo: bool,
}

impl Frame<'_> {
    /// The text in the language of the page.
    #[must_use]
    pub const fn say<'a>(&self, english: &'a str, chinese: &'a str) -> &'a str {
        self.language.say(english, chinese)
    }
}

/// A stranger's text for a page: without what is not seen, or turns around how the rest is read, and no longer than a
/// heading may be.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let mut kept = text.trim().chars().filter(|c| !is_invisible(*c));
    let mut plain: String = kept.by_ref().take(most).collect();
    if kept.next().is_some() {
        plain.push('…');
    }
    plain.trim().to_owned()
}

/// Checks for a character that pages do not show: a control, a format or a tag.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A day, as `2026-11-22`.
#[must_use]
pub fn day(ms: u64) -> String {
    // Howard Hinnant's civil_from_days, for days after 1970.
    let days = ms / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}")
}

/// A minute, as `2026-11-22 18:05 UTC`.
#[must_use]
pub fn minute(ms: u64) -> String {
    let minutes = ms / 60_000 % (24 * 60);
    format!("{} {:02}:{:02} UTC", day(ms), minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_removed_and_long_names_cut() {
        for (text, shown) in [
            (" Claude Code ", "Claude Code"),
            ("日本語 – é 👩", "日本語 – é 👩"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{0}e\nf\u{e0041}g", "abcdefg"),
            ("\u{200f}", ""),
            ("0123456789abcdef", "0123456789ab…"),
        ] {
            assert_eq!(plain(text, 12), shown, "{text:?}");
        }
    }

    #[test]
    fn times_become_days_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_795_305_600, "2026-11-22"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(day(seconds * 1000), text, "{seconds}");
        }
        assert_eq!(minute(951_782_399_000), "2000-02-28 23:59 UTC");
    }
}
