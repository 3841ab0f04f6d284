//! The ids of tasks, bound to who made the task.

use crate::formats::Format;
use crate::keys::Keys;
use crate::mcp::user::Caller;
use crate::runtime::{Random, Runtime};
use crate::transport::claims::{Binding, ObjectId};
use crate::transport::object_name::Scope;
use crate::wire::Fault;

const PURPOSE: &str = "task";

/// The id of the task in that object, for the caller who made it, until `expires`, in milliseconds since 1970.
///
/// # Errors
/// When there is no randomness.
pub fn seal(
    object: ObjectId,
    expires: u64,
    caller: &Caller,
    keys: &Keys,
    random: &dyn Random,
) -> Result<String, Fault> {
    Scope { purpose: PURPOSE, owner: Binding::of(caller).as_bytes() }.seal(object, expires, keys, random)
}

/// The object of a task by its id; none if it is somebody else's, has expired, or never was.
///
/// # Errors
/// The runtime's failure.
pub async fn open(id: &str, caller: &Caller, around: &dyn Runtime) -> Result<Option<ObjectId>, Fault> {
    let owner = Binding::of(caller);
    let opened = Scope { purpose: PURPOSE, owner: owner.as_bytes() }.open(id, Format::TaskId, around).await?;
    Ok(opened.and_then(|(object, expires)| (around.now() < expires).then_some(object)))
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
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
            bytes.fill(0);
            Ok(())
        }
    }

    impl Runtime for At {
        fn now(&self) -> u64 {
            self.0
        }

        fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
            std::future::ready(Ok(Rc::new(Keys::from_secret("k")))).boxed_local()
        }

        fn random(&self) -> &dyn Random {
            self
        }

        fn warn(&self, _: &str) {}
    }

    #[test]
    fn an_id_is_its_makers_until_it_expires() {
        let object = ObjectId([9; 32]);
        let caller = |subject: &str| Caller { subject: Some(subject.to_owned()), ..Caller::default() };
        let id = seal(object, 1000, &caller("ann"), &Keys::from_secret("k"), &At(0)).unwrap();
        let opened = |caller: &Caller, now: u64| open(&id, caller, &At(now)).now_or_never().unwrap().unwrap();
        assert_eq!(opened(&caller("ann"), 999), Some(object));
        assert_eq!(opened(&caller("ann"), 1000), None);
        assert_eq!(opened(&caller("bob"), 999), None);
        assert_eq!(opened(&Caller::default(), 999), None);
    }
}
