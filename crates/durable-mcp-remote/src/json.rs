//! JSON objects whose values stay as they are written.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::message::quoted;

/// Members of an object in their order, repeated ones too.
pub(crate) struct Object<'a>(pub(crate) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Object<'a> {
    /// Reads an object; `None` if it is none.
    pub(crate) fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// JSON of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_ref())
    }

    /// Text of a member that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// Replaces a member, or adds it.
    pub(crate) fn set(&mut self, name: &'static str, json: String) {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, value)) => *value = json.into(),
            None => self.0.push((name.into(), json.into())),
        }
    }

    /// Takes members out; `true` if there were any.
    pub(crate) fn remove(&mut self, names: &[&str]) -> bool {
        let before = self.0.len();
        self.0.retain(|(name, _)| !names.contains(&name.as_ref()));
        self.0.len() != before
    }
}

impl fmt::Display for Object<'_> {
    /// Writes the object as JSON.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("{")?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{}:{value}", quoted(name))?;
        }
        formatter.write_str("}")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name.into(), value.get().into()));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_as_they_are_written() {
        let mut object =
            Object::parse(r#"{ "a": 1.0, "b\"": [ 1 ,2], "a":12345678901234567890, "c":"\u0041"}"#)
                .unwrap();
        assert_eq!(object.text("c").as_deref(), Some("A"));
        object.set("c", "true".into());
        assert!(object.remove(&["missing", "b\""]));
        assert_eq!(
            object.to_string(),
            r#"{"a":1.0,"a":12345678901234567890,"c":true}"#
        );
    }
}
