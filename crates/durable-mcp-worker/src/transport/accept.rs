//! Content negotiation, as far as MCP asks for it.

use durable_core::wire::quality;

/// Checks whether an `Accept` header admits a media type (RFC 9110 section 12.5.1). No header admits every type.
#[must_use]
pub fn admits(accept: Option<&str>, media_type: &str) -> bool {
    let Some(accept) = accept else { return true };
    let kind = media_type.split('/').next().unwrap_or_default();
    // The most specific range that fits decides.
    let fit = |range: &str| match range.split_once('/') {
        Some(("*", "*")) => Some(0),
        Some((own, "*")) if own.eq_ignore_ascii_case(kind) => Some(1),
        Some(_) if range.eq_ignore_ascii_case(media_type) => Some(2),
        _ => None,
    };
    let ranges = accept.split(',').filter_map(|item| {
        let (range, parameters) = item.split_once(';').unwrap_or((item, ""));
        Some((fit(range.trim())?, quality(parameters) != Some(0)))
    });
    ranges
        .max_by_key(|(specific, _)| *specific)
        .is_some_and(|(_, admitted)| admitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_media_range_decides() {
        let events = "text/event-stream";
        for accept in [
            "text/event-stream",
            "application/json, TEXT/Event-Stream;q=0.1",
            "*/*",
            "text/*",
            "*/*;q=0, text/event-stream",
        ] {
            assert!(admits(Some(accept), events), "{accept}");
        }
        for accept in [
            "",
            "application/json",
            "text/event-stream;q=0, */*",
            "text/*; q=0.0",
            "text/event-streams",
        ] {
            assert!(!admits(Some(accept), events), "{accept}");
        }
        assert!(admits(None, events));
    }
}
