//! The name that a caller without a session or a user has for a state: it was given with the answer that began it, and is
//! passed as an [argument](crate::mcp::state_argument) of later calls.
//!
//! Sealed, it tells nothing, and a made-up one reaches no object. Whoever has it has the state, as with a session's id on a
//! public server.

use super::claims::ObjectId;
use crate::keys::Keys;
use crate::runtime::{Random, Runtime};
use crate::seal::{OpenError, seal_carried, try_open_carried};
use crate::wire::Fault;

const PURPOSE: &str = "state handle";

const OBJECT_BYTES: usize = 32;

/// The name of the state in that object, given at `now`, in milliseconds since 1970.
///
/// # Errors
/// When there is no randomness.
pub fn seal(object: ObjectId, now: u64, keys: &Keys, random: &dyn Random) -> Result<String, Fault> {
    seal_carried(keys, PURPOSE, &[], &[object.0.as_slice(), &now.to_be_bytes()].concat(), random)
}

/// The object of a state by its name; none if it names none, or was given more than `max_age` milliseconds ago.
///
/// # Errors
/// The runtime's failure.
pub async fn open(name: &str, max_age: u64, around: &dyn Runtime) -> Result<Option<ObjectId>, Fault> {
    let now = around.now();
    let mut opened = read(name, now, max_age, &*around.keys(false).await?);
    if matches!(opened, Err(OpenError::UnknownKey)) {
        opened = read(name, now, max_age, &*around.keys(true).await?);
    }
    Ok(opened.ok().flatten())
}

fn read(name: &str, now: u64, max_age: u64, keys: &Keys) -> Result<Option<ObjectId>, OpenError> {
    let plain = try_open_carried(keys, PURPOSE, &[], name)?;
    let (object, time) = plain.split_first_chunk::<OBJECT_BYTES>().ok_or(OpenError::NotSealed)?;
    let given = u64::from_be_bytes(time.try_into().map_err(|_| OpenError::NotSealed)?);
    Ok((now.saturating_sub(given) <= max_age).then_some(ObjectId(*object)))
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
    fn a_name_is_good_for_its_time_and_deployment() {
        let (keys, object) = (Keys::from_secret("k"), ObjectId([7; 32]));
        let name = seal(object, 1000, &keys, &Zeros).unwrap();
        assert_eq!(read(&name, 1500, 500, &keys), Ok(Some(object)));
        assert_eq!(read(&name, 1501, 500, &keys), Ok(None));
        assert_eq!(read(&name, 1500, 500, &Keys::from_secret("l")), Err(OpenError::UnknownKey));
        assert_eq!(read("x", 1500, 500, &keys), Err(OpenError::NotSealed));
        let other = seal_carried(&keys, "request state", &[], &[0; 40], &Zeros).unwrap();
        assert_eq!(read(&other, 0, 500, &keys), Err(OpenError::NotSealed));
    }
}
