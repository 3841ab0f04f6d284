//! The ids of tasks: sealed, so that a made-up one reaches no object, and bound to who made the task.

use crate::keys::Keys;
use crate::mcp::user::Caller;
use crate::runtime::{Random, Runtime};
use crate::seal::{OpenError, seal_carried, try_open_carried};
use crate::transport::claims::{Binding, ObjectId};
use crate::wire::Fault;

const PURPOSE: &str = "task";

const OBJECT_BYTES: usize = 32;

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
    let plain = [object.0.as_slice(), &expires.to_be_bytes()].concat();
    seal_carried(keys, PURPOSE, Binding::of(caller).as_bytes(), &plain, random)
}

/// The object of a task by its id; none if it is somebody else's, has expired, or never was.
///
/// # Errors
/// The runtime's failure.
pub async fn open(id: &str, caller: &Caller, around: &dyn Runtime) -> Result<Option<ObjectId>, Fault> {
    let now = around.now();
    let mut opened = read(id, caller, now, &*around.keys(false).await?);
    if matches!(opened, Err(OpenError::UnknownKey)) {
        opened = read(id, caller, now, &*around.keys(true).await?);
    }
    Ok(opened.ok().flatten())
}

fn read(id: &str, caller: &Caller, now: u64, keys: &Keys) -> Result<Option<ObjectId>, OpenError> {
    let plain = try_open_carried(keys, PURPOSE, Binding::of(caller).as_bytes(), id)?;
    let (object, time) = plain.split_first_chunk::<OBJECT_BYTES>().ok_or(OpenError::NotSealed)?;
    let expires = u64::from_be_bytes(time.try_into().map_err(|_| OpenError::NotSealed)?);
    Ok((now < expires).then_some(ObjectId(*object)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;

    impl Random for Zeros {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
            bytes.fill(0);
            Ok(())
        }
    }

    #[test]
    fn an_id_is_its_makers_until_it_expires() {
        let (keys, object) = (Keys::from_secret("k"), ObjectId([9; 32]));
        let caller = |subject: &str| Caller { subject: Some(subject.to_owned()), ..Caller::default() };
        let id = seal(object, 1000, &caller("ann"), &keys, &Zeros).unwrap();
        assert_eq!(read(&id, &caller("ann"), 999, &keys), Ok(Some(object)));
        assert_eq!(read(&id, &caller("ann"), 1000, &keys), Ok(None));
        assert_eq!(read(&id, &caller("bob"), 999, &keys), Err(OpenError::NotSealed));
        assert_eq!(read(&id, &Caller::default(), 999, &keys), Err(OpenError::NotSealed));
        assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
