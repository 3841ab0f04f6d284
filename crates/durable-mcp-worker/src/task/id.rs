//! The ids of tasks, bound to the caller that began the task and to the time.

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::runtime::{Random, Runtime};
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::caller::Caller;

use crate::transport::object_name::Scope;
use crate::transport::session_id::{Binding, ObjectId, SessionClaims};

const PURPOSE: &str = "task";

/// The id of the task in that object, for the caller who makes it now, until it expires; both times are in milliseconds
/// since 1970.
///
/// # Errors
/// When there is no randomness.
pub fn seal(
    object: ObjectId,
    (now, expires): (u64, u64),
    caller: &Caller,
    keys: &Keys,
    random: &dyn Random,
) -> Result<String, RuntimeError> {
    let begun = SessionClaims::issued_now(caller, now / 1000);
    Scope {
        purpose: PURPOSE,
        owner: Binding::of(caller).as_bytes(),
    }
    .seal(object, &[expires, begun], keys, random)
}

/// The object of a task by its id; `None` if the task is of another caller, has expired, never existed, or was begun by a
/// grant that ended before the caller's began.
///
/// # Errors
/// The runtime's failure.
pub async fn open(
    id: &str,
    caller: &Caller,
    runtime: &dyn Runtime,
) -> Result<Option<ObjectId>, RuntimeError> {
    let owner = Binding::of(caller);
    let opened = Scope {
        purpose: PURPOSE,
        owner: owner.as_bytes(),
    }
    .open(id, Format::TaskId, runtime)
    .await?;
    Ok(opened.and_then(|(object, times)| is_good(&times, caller, runtime.now()).then_some(object)))
}

/// True if the id has not expired and is no older than the caller's `sessions_since`. Ids of version 1 lack the second time.
fn is_good(times: &[u64], caller: &Caller, now: u64) -> bool {
    let begun = times.get(1).copied().unwrap_or_default();
    times.first().is_some_and(|expires| now < *expires) && begun >= caller.sessions_since
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures_util::FutureExt;
    use futures_util::future::LocalBoxFuture;

    use super::*;

    /// At that time.
    struct At(u64);

    impl Random for At {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
            bytes.fill(0);
            Ok(())
        }
    }

    impl Runtime for At {
        fn now(&self) -> u64 {
            self.0
        }

        fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
            std::future::ready(Ok(Rc::new(Keys::from_secret("k")))).boxed_local()
        }

        fn random(&self) -> &dyn Random {
            self
        }

        fn warn(&self, _: &str) {}
    }

    #[test]
    fn a_task_id_belongs_to_its_maker_until_it_expires() {
        let object = ObjectId([9; 32]);
        let caller = |subject: &str| Caller {
            subject: Some(subject.to_owned()),
            ..Caller::default()
        };
        let id = seal(
            object,
            (0, 1000),
            &caller("ann"),
            &Keys::from_secret("k"),
            &At(0),
        )
        .unwrap();
        let opened = |caller: &Caller, now: u64| {
            open(&id, caller, &At(now)).now_or_never().unwrap().unwrap()
        };
        assert_eq!(opened(&caller("ann"), 999), Some(object));
        assert_eq!(opened(&caller("ann"), 1000), None);
        assert_eq!(opened(&caller("bob"), 999), None);
        assert_eq!(opened(&Caller::default(), 999), None);
    }

    #[test]
    fn a_task_id_from_before_a_new_grant_is_refused() {
        let (object, keys) = (ObjectId([9; 32]), Keys::from_secret("k"));
        let of = |sessions_since| Caller {
            subject: Some("ann".to_owned()),
            sessions_since,
            ..Caller::default()
        };
        let opened = |id: &str, since| {
            open(id, &of(since), &At(50_000))
                .now_or_never()
                .unwrap()
                .unwrap()
        };
        let id = seal(object, (50_000, 90_000), &of(0), &keys, &At(0)).unwrap();
        assert_eq!(
            [opened(&id, 0), opened(&id, 50), opened(&id, 51)],
            [Some(object), Some(object), None]
        );
        let next = seal(object, (50_000, 90_000), &of(115), &keys, &At(0)).unwrap();
        assert_eq!(
            [opened(&next, 115), opened(&next, 116)],
            [Some(object), None]
        );
        let owner = Binding::of(&of(0));
        let scope = Scope {
            purpose: PURPOSE,
            owner: owner.as_bytes(),
        };
        let without = scope.seal(object, &[90_000], &keys, &At(0)).unwrap();
        assert_eq!(
            [opened(&without, 0), opened(&without, 1)],
            [Some(object), None]
        );
    }
}
