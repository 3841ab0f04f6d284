//! Pages of lists, and their cursors (2025-11-25, Utilities, Pagination).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;

/// Entries a page unless the server says otherwise: more than nearly any server has, so that most clients get by with
/// one request, and few enough that a page stays far below the size of a message.
pub(crate) const DEFAULT_PAGE_SIZE: usize = 100;

/// Formats a page of `items`, each in JSON, from the cursor on: their array goes under `key`.
///
/// # Errors
/// −32602 when the cursor is not one that this server gave.
pub(crate) fn page(
    key: &str,
    items: &[String],
    cursor: Option<&str>,
    page_size: usize,
) -> Result<String, Error> {
    let start = match cursor {
        Some(cursor) => offset(cursor)
            .filter(|start| *start < items.len())
            .ok_or_else(|| {
                Error::invalid_params(
                    "The cursor is not one of this list. Start again without one.",
                )
            })?,
        None => 0,
    };
    let end = start.saturating_add(page_size.max(1)).min(items.len());
    let shown = items.get(start..end).unwrap_or_default().join(",");
    Ok(if end < items.len() {
        format!(r#"{{"{key}":[{shown}],"nextCursor":"{}"}}"#, cursor_to(end))
    } else {
        format!(r#"{{"{key}":[{shown}]}}"#)
    })
}

fn cursor_to(offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("from:{offset}"))
}

fn offset(cursor: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    std::str::from_utf8(&bytes)
        .ok()?
        .strip_prefix("from:")?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_every_item_once_and_in_order() {
        let items: Vec<String> = (0..7).map(|n| n.to_string()).collect();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = page("items", &items, cursor.as_deref(), 3).unwrap();
            let page: serde_json::Value = serde_json::from_str(&page).unwrap();
            seen.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|n| n.as_u64().unwrap()),
            );
            match page.get("nextCursor") {
                Some(next) => cursor = next.as_str().map(str::to_owned),
                None => break,
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_made_up_cursor_is_refused() {
        for cursor in ["", "3", "from:3", "ZnJvbTo5OQ", "ZnJvbTotMQ", "\u{fffd}"] {
            let items = ["1".to_owned(), "2".to_owned()];
            assert_eq!(
                page("items", &items, Some(cursor), 1).unwrap_err().code.0,
                -32602,
                "{cursor}"
            );
        }
    }
}
