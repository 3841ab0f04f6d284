//! Lists in pages (2025-11-25, Utilities, Pagination).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::error::Error;

/// Entries a page unless the server says otherwise: more than nearly any server has, so that most clients get by with
/// one request, and few enough that a page stays far below the size of a message.
pub const DEFAULT_PAGE_SIZE: usize = 100;

/// The parameters of every list request.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageParams {
    cursor: Option<String>,
}

/// One page of `items`: its JSON array goes under `field`.
///
/// # Errors
/// −32602 when the cursor is not one that this server gave.
pub(crate) fn page<T: Serialize>(
    field: &str,
    items: &[T],
    params: &PageParams,
    page_size: usize,
) -> Result<String, Error> {
    let start = match &params.cursor {
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
    let shown = super::jsonrpc::to_json(&items.get(start..end).unwrap_or_default());
    Ok(if end < items.len() {
        format!(r#"{{"{field}":{shown},"nextCursor":"{}"}}"#, cursor(end))
    } else {
        format!(r#"{{"{field}":{shown}}}"#)
    })
}

fn cursor(offset: usize) -> String {
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
        let items: Vec<u32> = (0..7).collect();
        let (mut seen, mut params) = (Vec::new(), PageParams::default());
        loop {
            let page: serde_json::Value =
                serde_json::from_str(&page("items", &items, &params, 3).unwrap()).unwrap();
            seen.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|n| n.as_u64().unwrap()),
            );
            match page.get("nextCursor") {
                Some(next) => params.cursor = next.as_str().map(str::to_owned),
                None => break,
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_made_up_cursor_is_refused() {
        for cursor in ["", "3", "from:3", "ZnJvbTo5OQ", "ZnJvbTotMQ", "\u{fffd}"] {
            let params = PageParams {
                cursor: Some(cursor.to_owned()),
            };
            assert_eq!(
                page("items", &[1, 2], &params, 1).unwrap_err().code.0,
                -32602,
                "{cursor}"
            );
        }
    }
}
