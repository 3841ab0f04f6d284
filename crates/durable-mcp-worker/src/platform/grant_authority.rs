//! The Durable Object of users' grants, and how the Worker reaches it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use oauth_server::authority::{ENDS_AT_ONCE, LOOK_AT_UNREADABLE_MS, RETRY_DELETES_MS};
use oauth_server::token::UserHandle;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::{DurableObjectState, web_sys};

use super::grant_rows::{self};
use super::oauth_functions;
use super::promise::promised;
use super::promise::settled;
use crate::http::App;
use crate::http::provider::UserGrants;

/// URL of the object; the user's handle follows.
const URL: &str = "https://grants/";

/// Users who wait to be looked at, at one time that the object is woken.
const MAX_LOOKED_AT: u32 = 50;

/// Records that are deleted and requests to other objects that are made for all of them, at one such time.
const MAX_ENDS: usize = ENDS_AT_ONCE;

/// Delay before a user whose rows could not be looked at is tried again, in milliseconds, so that others are not held up.
const PUT_OFF_MS: u64 = RETRY_DELETES_MS;

/// Users whose grants are kept in memory at once, some kilobytes each.
const MAX_KNOWN: usize = 1000;

/// Delay before the object's next alarm where more is due, in milliseconds: long enough to run commands in between.
const AGAIN_MS: u64 = 1000;

/// The object behind the grants of a part of the users. [`worker!`](crate::worker!) stamps the class that holds one.
///
/// A panic in the application's hook is caught where it is called, so nothing in here is ever seen half changed.
pub struct GrantAuthority(AssertUnwindSafe<Rc<Users>>);

impl std::fmt::Debug for GrantAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrantAuthority").finish_non_exhaustive()
    }
}

impl GrantAuthority {
    /// The object that has just woken.
    #[must_use]
    pub fn new(state: DurableObjectState, env: Env, app: &Rc<App>) -> Self {
        let users = Users {
            state: state.into(),
            env,
            app: Rc::clone(app),
            known: RefCell::default(),
        };
        Self(AssertUnwindSafe(Rc::new(users)))
    }

    /// Carries out a command of the Worker, which alone can reach the object.
    pub fn fetch(&self, request: web_sys::Request) -> Promise {
        let users = Rc::clone(&self.0);
        promised(Box::pin(async move {
            let url = request.url();
            let grants = users
                .grants(url.strip_prefix(URL).unwrap_or_default())
                .map_err(rejected)?;
            let command = settled(request.text()).await.map_err(rejected)?.as_string();
            let command = command.ok_or_else(|| rejected(Format::GrantCommand.unreadable()))?;
            let json = grants.handle(command).await.map_err(rejected)?;
            web_sys::Response::new_with_opt_str(Some(&json)).map(JsValue::from)
        }))
    }

    /// The time that the object ordered has come.
    pub fn alarm(&self) -> Promise {
        let users = Rc::clone(&self.0);
        promised(Box::pin(async move {
            users.wake().await.map_err(rejected)?;
            Ok(JsValue::UNDEFINED)
        }))
    }
}

/// The users of one object.
struct Users {
    state: JsValue,
    env: Env,
    app: Rc<App>,
    known: RefCell<BTreeMap<String, Rc<dyn UserGrants>>>,
}

impl Users {
    /// The grants of one user: the same as long as anything is being done with them.
    fn grants(&self, handle: &str) -> Result<Rc<dyn UserGrants>, RuntimeError> {
        let mut known = self.known.borrow_mut();
        if let Some(grants) = known.get(handle) {
            return Ok(Rc::clone(grants));
        }
        if known.len() >= MAX_KNOWN {
            known.retain(|_, grants| Rc::strong_count(grants) > 1);
        }
        let handle = UserHandle::parse(handle)
            .ok_or_else(|| RuntimeError("a command for nobody".to_owned()))?;
        let made = oauth_functions::grants(&self.state, &self.env, &self.app, &handle);
        let grants = made.ok_or_else(|| RuntimeError("nobody signs in here".to_owned()))?;
        known.insert(handle.as_str().to_owned(), Rc::clone(&grants));
        Ok(grants)
    }

    /// Handles the users who are due.
    async fn wake(&self) -> Result<(), RuntimeError> {
        let now = super::clock::now();
        let mut room = MAX_ENDS;
        for user in grant_rows::due(&self.state, now, MAX_LOOKED_AT)? {
            if room == 0 {
                break;
            }
            // A row that names no user is left alone, and does not hold up the others.
            if UserHandle::parse(&user).is_none() {
                worker::console_error!("{}", Format::GrantTimes.unreadable().0);
                grant_rows::postpone(&self.state, &user, now + LOOK_AT_UNREADABLE_MS)?;
                continue;
            }
            match self.look_at(&user, room).await {
                Ok(left) => {
                    room = left;
                    grant_rows::looked_at(&self.state, &user, now)?;
                }
                Err(fault) => {
                    let text = format!("a user's grants could not be looked at: {}", fault.0);
                    if self.app.provider.is_some() {
                        worker::console_error!("{text}");
                    } else {
                        worker::console_log!("{text}");
                    }
                    grant_rows::postpone(&self.state, &user, now + PUT_OFF_MS)?;
                }
            }
        }
        grant_rows::wake_again(&self.state, super::clock::now() + AGAIN_MS)
    }
}

impl Users {
    async fn look_at(&self, user: &str, room: usize) -> Result<usize, RuntimeError> {
        self.grants(user)?.wake(room).await
    }
}

/// A failure as an exception to the runtime.
fn rejected(fault: RuntimeError) -> JsValue {
    worker::Error::RustError(fault.0).into()
}
