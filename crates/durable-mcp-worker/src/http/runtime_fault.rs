//! Answers to faults of the runtime, whose causes are logged.

use durable_core::wire::{Reply, RuntimeError};

use super::request_runtime::RequestRuntime;
use crate::transport::refusal::Refusal;

pub(super) fn internal(runtime: &dyn RequestRuntime, fault: &RuntimeError) -> Refusal {
    runtime.warn(&fault.0);
    Refusal::of(fault)
}

pub(super) fn failed(runtime: &dyn RequestRuntime, fault: &RuntimeError) -> Reply {
    internal(runtime, fault).into()
}

pub(super) fn reply_or_error(
    runtime: &dyn RequestRuntime,
    reply: Result<Reply, RuntimeError>,
) -> Reply {
    reply.unwrap_or_else(|fault| failed(runtime, &fault))
}
