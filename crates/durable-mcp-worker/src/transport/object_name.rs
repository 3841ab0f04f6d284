//! Sealed names that clients have instead of objects' ids: they reveal nothing, and a made-up one reaches no object.

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::runtime::{Random, Runtime};
use durable_core::seal::{OpenError, open_with, seal_carried, try_open_carried};
use durable_core::wire::RuntimeError;

use super::session_id::ObjectId;

const OBJECT_BYTES: usize = 32;
const TIME_BYTES: usize = 8;

/// The purpose and owner of a name, which opens for the same ones only.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The purpose of the name.
    pub purpose: &'a str,
    /// The owner; empty if every holder may use the name.
    pub owner: &'a [u8],
}

impl Scope<'_> {
    /// The name of that object, and times that are remembered with it, at least one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(
        self,
        object: ObjectId,
        times: &[u64],
        keys: &Keys,
        random: &dyn Random,
    ) -> Result<String, RuntimeError> {
        let times = times.iter().flat_map(|time| time.to_be_bytes());
        let plain: Vec<u8> = object.0.into_iter().chain(times).collect();
        seal_carried(keys, self.purpose, self.owner, &plain, random)
    }

    /// The object and the times of a name; none if it is no name, or one of another scope.
    ///
    /// # Errors
    /// The runtime's failure, or a name of another version.
    pub async fn open(
        self,
        name: &str,
        format: Format,
        runtime: &dyn Runtime,
    ) -> Result<Option<(ObjectId, Vec<u64>)>, RuntimeError> {
        open_with(runtime, format, |keys| self.read(name, keys)).await
    }

    fn read(self, name: &str, keys: &Keys) -> Result<(ObjectId, Vec<u64>), OpenError> {
        let plain = try_open_carried(keys, self.purpose, self.owner, name)?;
        let (object, rest) = plain
            .split_first_chunk::<OBJECT_BYTES>()
            .ok_or(OpenError::OtherVersion)?;
        match rest.as_chunks::<TIME_BYTES>() {
            (times, []) if !times.is_empty() => Ok((
                ObjectId(*object),
                times.iter().map(|time| u64::from_be_bytes(*time)).collect(),
            )),
            _ => Err(OpenError::OtherVersion),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;

    impl Random for Zeros {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
            bytes.fill(0);
            Ok(())
        }
    }

    #[test]
    fn an_object_name_is_valid_for_its_scope_and_deployment() {
        let (keys, object) = (Keys::from_secret("k"), ObjectId([7; 32]));
        let scope = Scope {
            purpose: "task",
            owner: b"ann",
        };
        let name = scope.seal(object, &[1000, 7], &keys, &Zeros).unwrap();
        assert_eq!(scope.read(&name, &keys), Ok((object, vec![1000, 7])));
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic()));
        for other in [
            Scope {
                owner: b"bob",
                ..scope
            },
            Scope {
                owner: b"",
                ..scope
            },
            Scope {
                purpose: "state",
                ..scope
            },
        ] {
            assert_eq!(other.read(&name, &keys), Err(OpenError::NotSealed));
        }
        assert_eq!(
            scope.read(&name, &Keys::from_secret("l")),
            Err(OpenError::UnknownKey(keys.current_id()))
        );
        assert_eq!(scope.read("x", &keys), Err(OpenError::NotSealed));
        for bytes in [31, 32, 39, 41] {
            let odd = seal_carried(&keys, "task", b"ann", &vec![0; bytes], &Zeros).unwrap();
            assert_eq!(
                scope.read(&odd, &keys),
                Err(OpenError::OtherVersion),
                "{bytes}"
            );
        }
    }
}
