//! Doubles of what surrounds a server: the runtime, storage, objects and the hub, in memory, with a clock that only the test
//! moves.

/// Implements `Runtime` for a double by the runtime in one of its fields.
macro_rules! forward_runtime {
    ($double:ty, $($field:ident).+) => {
        impl durable_core::runtime::Runtime for $double {
            fn now(&self) -> u64 {
                self.$($field).+.now()
            }

            fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<durable_core::keys::Keys>, durable_core::wire::RuntimeError>> {
                self.$($field).+.keys(fresh)
            }

            fn random(&self) -> &dyn durable_core::runtime::Random {
                self.$($field).+.random()
            }

            fn warn(&self, message: &str) {
                self.$($field).+.warn(message);
            }
        }
    };
}

pub mod deployment;
pub mod headers;
pub mod host;
pub mod hub_host;
pub mod memory_store;
pub mod task_host;
pub mod visit;
