//! The part of the runtime that is the same in the Worker and in each object.

use worker::Env;

/// A holder of the Worker's bindings.
pub(super) trait HasEnv {
    fn env(&self) -> &Env;
}

// By a macro, since a foreign trait cannot be implemented for every holder at once.
macro_rules! runtime_of_env {
    ($holder:ty) => {
        impl ::durable_core::runtime::Runtime for $holder {
            fn now(&self) -> u64 {
                $crate::platform::clock::now()
            }

            fn keys(
                &self,
                fresh: bool,
            ) -> ::futures_util::future::LocalBoxFuture<
                '_,
                Result<
                    ::std::rc::Rc<::durable_core::keys::Keys>,
                    ::durable_core::wire::RuntimeError,
                >,
            > {
                ::std::boxed::Box::pin($crate::platform::key_ring::keys(self.env(), fresh))
            }

            fn awaits_key(&self, id: ::durable_core::keys::KeyId) -> bool {
                $crate::platform::key_ring::awaits(self.env(), id)
            }

            fn random(&self) -> &dyn ::durable_core::runtime::Random {
                &$crate::platform::random::SystemRandom
            }

            fn warn(&self, message: &str) {
                ::worker::console_error!("{message}");
            }
        }
    };
}

pub(super) use runtime_of_env;
