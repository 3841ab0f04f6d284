//! Columns of the hub's tables, as Rust's types.

use worker::SqlStorageValue;

use crate::hub::PendingDelivery;
use crate::session::publication::Publication;

/// A publication from its columns; none if it is of another version.
pub(super) fn as_delivery(
    mut columns: impl Iterator<Item = SqlStorageValue>,
) -> Option<PendingDelivery> {
    match (columns.next()?, columns.next()?, columns.next()?) {
        (
            SqlStorageValue::String(publication),
            SqlStorageValue::String(after),
            SqlStorageValue::Integer(again),
        ) => Some(PendingDelivery {
            publication: Publication::parse(&publication)?,
            after,
            again: again != 0,
        }),
        _ => None,
    }
}

/// The first column of rows, where it holds texts.
pub(super) fn texts(rows: Vec<Vec<SqlStorageValue>>) -> Vec<String> {
    rows.into_iter()
        .filter_map(|row| match row.into_iter().next() {
            Some(SqlStorageValue::String(text)) => Some(text),
            _ => None,
        })
        .collect()
}

/// The one value of rows, where it is a number.
pub(super) fn number(rows: &[Vec<SqlStorageValue>]) -> Option<i64> {
    match rows.first()?.first()? {
        SqlStorageValue::Integer(number) => Some(*number),
        _ => None,
    }
}

pub(super) fn count(rows: usize) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(rows).unwrap_or(i64::MAX))
}

pub(super) fn time(at: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(at).unwrap_or(i64::MAX))
}
