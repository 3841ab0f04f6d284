//! The ports of the authorization server: clock, keys, randomness, and the grants of each user.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use durable_core::keys::{KEY_BYTES, KeyId, Keys};
use durable_core::runtime::{Random, Runtime};
use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use oauth_server::auth_server::{BodyError, OAuthRuntime};
use oauth_server::authority::{Authority, AuthorityHost, ENDS_AT_ONCE};
use oauth_server::event::Event;
use oauth_server::grant_store::GrantStore;
use oauth_server::port::Kv;
use oauth_server::provider::OAuth;
use oauth_server::rates::Rates;
use oauth_server::token::UserHandle;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::storage::{MemoryKv, MemoryRows};

/// Time between two looks for what has expired.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// State that outlives a request.
pub(crate) struct Host {
    pub(crate) oauth: OAuth,
    shared: Rc<Shared>,
    rates: RefCell<Rates>,
    users: RefCell<HashMap<String, Rc<User>>>,
}

/// State that requests and the grants of users share.
struct Shared {
    keys: Rc<Keys>,
    kv: MemoryKv,
}

/// The grants of one user. All changes to them go through one [`Authority`].
struct User {
    authority: Authority,
    host: Rc<UserHost>,
}

impl Host {
    pub(crate) fn new(oauth: OAuth) -> Result<Self, RuntimeError> {
        let mut secret = [0; KEY_BYTES];
        OsRandom.fill(&mut secret)?;
        let shared = Shared {
            // A service stores them (`Keys::to_text`): tokens end with their keys.
            keys: Rc::new(Keys::generate(secret, now())),
            kv: MemoryKv::default(),
        };
        Ok(Self {
            oauth,
            shared: Rc::new(shared),
            rates: RefCell::default(),
            users: RefCell::default(),
        })
    }

    /// Ends what has expired, from time to time.
    pub(crate) async fn sweep(self: Rc<Self>) {
        loop {
            sleep(SWEEP_EVERY).await;
            self.shared.kv.sweep();
            let users: Vec<_> = self.users.borrow().values().cloned().collect();
            for user in users.iter().filter(|user| user.host.rows.take_due()) {
                if let Err(fault) = user.authority.wake(ENDS_AT_ONCE).await {
                    eprintln!("{fault}");
                }
            }
        }
    }

    fn user(&self, handle: &UserHandle) -> Rc<User> {
        let mut users = self.users.borrow_mut();
        let user = users.entry(handle.as_str().to_owned()).or_insert_with(|| {
            let host = Rc::new(UserHost {
                shared: Rc::clone(&self.shared),
                handle: handle.clone(),
                rows: MemoryRows::default(),
            });
            let authority = self.oauth.authority(host.clone(), 0);
            Rc::new(User { authority, host })
        });
        Rc::clone(user)
    }
}

/// The runtime of one request.
pub(crate) struct RequestRuntime {
    host: Rc<Host>,
    body: Bytes,
}

impl RequestRuntime {
    pub(crate) fn new(host: Rc<Host>, body: Bytes) -> Self {
        Self { host, body }
    }
}

impl OAuthRuntime for RequestRuntime {
    fn kv(&self) -> &dyn Kv {
        &self.host.shared.kv
    }

    fn rates(&self) -> &RefCell<Rates> {
        &self.host.rates
    }

    fn command<'a>(
        &'a self,
        handle: &'a UserHandle,
        command: String,
    ) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        let user = self.host.user(handle);
        async move { user.authority.handle_json(&command).await }.boxed_local()
    }

    fn command_later(&self, handle: &UserHandle, command: String) {
        let user = self.host.user(handle);
        spawn_local(async move {
            if let Err(fault) = user.authority.handle_json(&command).await {
                eprintln!("{fault}");
            }
        });
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<String, BodyError>> {
        let text = if self.body.len() > limit {
            Err(BodyError::TooLarge)
        } else {
            String::from_utf8(self.body.to_vec()).map_err(|_| BodyError::Unreadable)
        };
        ready(text).boxed_local()
    }

    fn event(&self, event: &Event) {
        eprintln!("{event:?}");
    }
}

/// The runtime of one user's grants.
struct UserHost {
    shared: Rc<Shared>,
    handle: UserHandle,
    rows: MemoryRows,
}

impl AuthorityHost for UserHost {
    fn kv(&self) -> &dyn Kv {
        &self.shared.kv
    }

    fn store(&self) -> &dyn GrantStore {
        &self.rows
    }

    fn user(&self) -> &UserHandle {
        &self.handle
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        sleep(Duration::from_millis(milliseconds.into())).boxed_local()
    }

    fn event(&self, event: &Event) {
        eprintln!("{event:?}");
    }
}

macro_rules! impl_runtime {
    ($type:ty, |$runtime:ident| $shared:expr) => {
        impl Runtime for $type {
            fn now(&self) -> u64 {
                now()
            }

            fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
                let $runtime = self;
                ready(Ok(Rc::clone(&$shared.keys))).boxed_local()
            }

            fn awaits_key(&self, _: KeyId) -> bool {
                // One process has all keys that there are.
                false
            }

            fn random(&self) -> &dyn Random {
                &OsRandom
            }

            fn warn(&self, message: &str) {
                eprintln!("{message}");
            }
        }
    };
}

impl_runtime!(RequestRuntime, |runtime| runtime.host.shared);
impl_runtime!(UserHost, |runtime| runtime.shared);

/// Randomness of the operating system.
struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
        getrandom::fill(bytes).map_err(|error| RuntimeError(error.to_string()))
    }
}

/// An id that nobody can guess.
pub(crate) fn unguessable() -> Result<String, RuntimeError> {
    let mut bytes = [0; 16];
    OsRandom.fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// The time, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the host has the clock")]
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
