//! The members of a JSON object, each read when it is asked for.
//!
//! The protocol's own parameters are small objects of names and raw parts. Reading them in this one way instead of
//! through a derived type for each keeps the module that every cold start loads a tenth smaller.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::cut::Cut;
use crate::error::Error;
use crate::json_fault::lone_surrogate;

/// The most arguments of a prompt, and of those that are settled before a completion. A prompt has as many as its handler's type
/// has fields; each is copied.
pub(crate) const MAX_ARGUMENTS: usize = 256;

/// An object's members, in order.
pub enum Fields<'a> {
    /// Read just now.
    Read(Vec<(Cow<'a, str>, &'a RawValue)>),
    /// Read before, and kept.
    Kept(&'a [(String, Box<RawValue>)]),
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self::Kept(&[])
    }
}

impl<'a> Fields<'a> {
    /// Reads an object.
    ///
    /// # Errors
    /// −32602 when the text is none.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        serde_json::from_str(json).map_err(|_| no_object(json))
    }

    /// The member of that name, also one that is `null`.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&'a RawValue> {
        #[cfg(test)]
        steps::count(self.iter().count());
        match self {
            Self::Read(members) => members
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, value)| *value),
            Self::Kept(members) => members
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, value)| &**value),
        }
    }

    /// The member of that name; `null` counts as absent.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.member(name).filter(|value| value.get() != "null")
    }

    /// Every member, to keep.
    #[must_use]
    pub fn into_owned(self) -> Vec<(String, Box<RawValue>)> {
        match self {
            Self::Read(members) => members
                .into_iter()
                .map(|(name, value)| (name.into_owned(), value.to_owned()))
                .collect(),
            Self::Kept(members) => members.to_vec(),
        }
    }

    /// Every member, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let (read, kept) = match self {
            Self::Read(members) => (members.as_slice(), [].as_slice()),
            Self::Kept(members) => ([].as_slice(), *members),
        };
        let read = read.iter().map(|(name, value)| (&**name, *value));
        read.chain(kept.iter().map(|(name, value)| (name.as_str(), &**value)))
    }

    /// True if the object has a member of that name; `null` counts as absent.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// A string.
    ///
    /// # Errors
    /// −32602 when it is absent or something else.
    pub fn text(&self, name: &str) -> Result<String, Error> {
        self.optional_text(name)?
            .ok_or_else(|| Error::invalid_params(format!("Invalid params: `{name}` is missing.")))
    }

    /// A string that may be absent.
    ///
    /// # Errors
    /// −32602 when it is something else.
    pub fn optional_text(&self, name: &str) -> Result<Option<String>, Error> {
        self.raw(name).map(|raw| text_of(name, raw)).transpose()
    }

    /// A boolean; one that is absent is false.
    ///
    /// # Errors
    /// −32602 when it is something else.
    pub fn flag(&self, name: &str) -> Result<bool, Error> {
        let Some(raw) = self.raw(name) else {
            return Ok(false);
        };
        match raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(unfit(name, "true or false", raw)),
        }
    }

    /// An object; one that is absent has no members.
    ///
    /// # Errors
    /// −32602 when it is something else.
    pub fn object(&self, name: &str) -> Result<Fields<'a>, Error> {
        let read = |raw: &'a RawValue| {
            serde_json::from_str(raw.get()).map_err(|_| unfit(name, "an object", raw))
        };
        self.raw(name).map_or_else(|| Ok(Fields::default()), read)
    }

    /// Every member, as strings; `null` counts as absent.
    ///
    /// # Errors
    /// −32602 when one is something else, or when there are more than [`MAX_ARGUMENTS`].
    pub(crate) fn texts(&self) -> Result<BTreeMap<String, String>, Error> {
        if self.iter().nth(MAX_ARGUMENTS).is_some() {
            return Err(Error::invalid_params(format!(
                "Invalid params: there may be {MAX_ARGUMENTS} arguments."
            )));
        }
        let present = self.iter().filter(|(_, value)| value.get() != "null");
        present
            .map(|(name, raw)| Ok((name.to_owned(), text_of(name, raw)?)))
            .collect()
    }
}

/// A member's value, as a string.
fn text_of(name: &str, raw: &RawValue) -> Result<String, Error> {
    serde_json::from_str(raw.get()).map_err(|_| unfit(name, "a string", raw))
}

/// Cheap pre-check: false means that no key of the object ends in `ending`, so that it need not be parsed.
#[must_use]
pub fn may_name(object: &RawValue, ending: &str) -> bool {
    // Any character of a name can be written with a backslash.
    object.get().contains(ending) || object.get().contains('\\')
}

fn unfit(name: &str, expected: &str, raw: &RawValue) -> Error {
    Error::invalid_params(match lone_surrogate(raw.get()) {
        Some(fault) => format!("Invalid params: `{}`: {fault}.", Cut(name)),
        None => format!("Invalid params: `{}` must be {expected}.", Cut(name)),
    })
}

fn no_object(json: &str) -> Error {
    let fault = lone_surrogate(json).unwrap_or("expected an object");
    Error::invalid_params(format!("Invalid params: {fault}."))
}

/// A member's name, which is copied only if it was written with a backslash.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Fields::Read(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// Counts the members that look-ups pass.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;

    thread_local! {
        static PASSED: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn count(members: usize) {
        PASSED.set(PASSED.get() + members);
    }

    /// The members that were passed since this was asked last.
    pub(crate) fn take() -> usize {
        PASSED.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_as_the_requested_type() {
        let fields = Fields::parse(r#"{"a":"x\n","b":null,"c":{"d":"e"},"f":[1, 2]}"#).unwrap();
        assert_eq!(fields.text("a").unwrap(), "x\n");
        assert_eq!(fields.optional_text("b").unwrap(), None);
        assert_eq!(
            fields.object("c").unwrap().texts().unwrap(),
            BTreeMap::from([("d".into(), "e".into())])
        );
        assert_eq!(fields.raw("f").unwrap().get(), "[1, 2]");
        assert!(!fields.has("b") && !fields.has("z") && fields.has("c"));
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named() {
        let fields = Fields::parse(r#"{"a":1,"c":"x"}"#).unwrap();
        assert!(
            fields
                .text("a")
                .unwrap_err()
                .message
                .contains("`a` must be a string")
        );
        assert!(
            fields
                .text("b")
                .unwrap_err()
                .message
                .contains("`b` is missing")
        );
        assert!(
            fields
                .object("c")
                .err()
                .unwrap()
                .message
                .contains("`c` must be an object")
        );
        assert!(Fields::parse("[1]").is_err() && Fields::parse("{").is_err());
    }

    #[test]
    fn twice_as_many_arguments_are_read_in_twice_as_many_steps() {
        let steps = |count: usize| {
            let members: Vec<_> = (0..count).map(|at| format!(r#""a{at}":"x""#)).collect();
            let json = format!("{{{}}}", members.join(","));
            let fields = Fields::parse(&json).unwrap();
            steps::take();
            assert_eq!(fields.texts().unwrap().len(), count);
            steps::take()
        };
        assert!(steps(MAX_ARGUMENTS) <= 2 * steps(MAX_ARGUMENTS / 2));
        assert!(steps(MAX_ARGUMENTS) <= 2 * MAX_ARGUMENTS);
    }

    #[test]
    fn too_many_arguments_are_refused() {
        let object = |count: usize| {
            let members: Vec<_> = (0..count).map(|at| format!(r#""a{at}":"x""#)).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(
            Fields::parse(&object(MAX_ARGUMENTS))
                .unwrap()
                .texts()
                .is_ok()
        );
        let refused = Fields::parse(&object(MAX_ARGUMENTS + 1))
            .unwrap()
            .texts()
            .unwrap_err();
        assert!(refused.message.contains("256 arguments"), "{refused}");
    }
}
