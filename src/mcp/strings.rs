//! Reads a type from named strings: the arguments of a prompt, the variables of a resource template.

use std::collections::BTreeMap;

use serde::de::value::{Error, MapDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Reads `T` from strings; a field that is a number or a boolean is parsed.
pub(crate) fn from_strings<T: DeserializeOwned>(
    strings: &BTreeMap<String, String>,
) -> Result<T, String> {
    let entries = strings
        .iter()
        .map(|(name, value)| (name.as_str(), Text(value)));
    serde_path_to_error::deserialize(MapDeserializer::<_, Error>::new(entries)).map_err(|error| {
        let fault = error.inner().to_string();
        match error.path().to_string().as_str() {
            "." => fault,
            path => format!("`{path}`: {fault}"),
        }
    })
}

struct Text<'a>(&'a str);

impl IntoDeserializer<'_, Error> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident, $expected:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::custom(format!("{:?} is not {}", self.0, $expected))),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    parsed! {
        deserialize_bool => visit_bool, "true or false";
        deserialize_i8 => visit_i8, "a whole number from -128 to 127";
        deserialize_i16 => visit_i16, "a whole number of 16 bits";
        deserialize_i32 => visit_i32, "a whole number of 32 bits";
        deserialize_i64 => visit_i64, "a whole number of 64 bits";
        deserialize_u8 => visit_u8, "a whole number from 0 to 255";
        deserialize_u16 => visit_u16, "a whole number of 16 bits, not negative";
        deserialize_u32 => visit_u32, "a whole number of 32 bits, not negative";
        deserialize_u64 => visit_u64, "a whole number of 64 bits, not negative";
        deserialize_f32 => visit_f32, "a number";
        deserialize_f64 => visit_f64, "a number";
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Everything {
        name: String,
        count: u32,
        ratio: Option<f64>,
        on: bool,
        way: Way,
        absent: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Way {
        Up,
    }

    fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn strings_become_the_types_of_the_fields() {
        let given = strings(&[
            ("name", "7"),
            ("count", "7"),
            ("ratio", "0.5"),
            ("on", "true"),
            ("way", "up"),
        ]);
        let expected = Everything {
            name: "7".into(),
            count: 7,
            ratio: Some(0.5),
            on: true,
            way: Way::Up,
            absent: None,
        };
        assert_eq!(from_strings::<Everything>(&given).unwrap(), expected);
    }

    #[test]
    fn a_wrong_string_is_told_with_its_field() {
        let given = strings(&[
            ("name", "x"),
            ("count", "-1"),
            ("on", "true"),
            ("way", "up"),
        ]);
        let fault = from_strings::<Everything>(&given).unwrap_err();
        assert_eq!(
            fault,
            "`count`: \"-1\" is not a whole number of 32 bits, not negative"
        );
        assert_eq!(
            from_strings::<Everything>(&strings(&[])).unwrap_err(),
            "missing field `name`"
        );
    }
}
