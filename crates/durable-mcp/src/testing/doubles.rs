//! Doubles of what surrounds a server: the runtime, storage, objects and the hub, in memory, with a clock that only the test
//! moves.

pub mod deployment;
pub mod headers;
pub mod host;
pub mod hub_host;
pub mod memory_store;
pub mod task_host;
pub mod visit;
