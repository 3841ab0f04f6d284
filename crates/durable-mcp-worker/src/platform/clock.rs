//! The runtime's clock.

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the runtime's clock counts whole milliseconds"
    )]
    let now = worker::js_sys::Date::now() as u64;
    now
}
