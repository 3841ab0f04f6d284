//! Numbers that JSON does not have: `serde_json` writes `null` for them, which reads as something else.

use std::fmt;

use serde::Serialize;
use serde::ser::{self, Serializer};

/// The path of the first number that is not finite, in a value that `serde_json` wrote as `json`, if there is one.
///
/// Such a number was written as `null`. Only JSON with a `null` is walked through, so nearly every value costs one search
/// for a word.
pub fn not_finite<T: Serialize + ?Sized>(json: &str, value: &T) -> Option<String> {
    if !json.contains("null") {
        return None;
    }
    value.serialize(Look).err().and_then(|found| found.0)
}

/// Error text for a number that is not finite, at that path.
#[must_use]
pub fn odd_number(path: &str) -> String {
    let at = if path.is_empty() {
        String::new()
    } else {
        format!(" at `{path}`")
    };
    format!("it has a number{at} that JSON does not have: NaN or an infinity")
}

/// The path of a number that is not finite; `None` if the value cannot be serialized.
#[derive(Debug)]
struct Found(Option<String>);

impl Found {
    fn within(self, part: &str) -> Self {
        Self(self.0.map(|path| match path.as_str() {
            "" => part.to_owned(),
            rest if rest.starts_with('[') => format!("{part}{rest}"),
            rest => format!("{part}.{rest}"),
        }))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or_default())
    }
}

impl std::error::Error for Found {}

impl ser::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(None)
    }
}

struct Look;

/// The parts of a list, with the index of the next one.
struct Entries(usize);

/// The members of a map, with the name of the next one.
struct Members(String);

type Looked = Result<(), Found>;

fn number(is_finite: bool) -> Looked {
    if is_finite {
        Ok(())
    } else {
        Err(Found(Some(String::new())))
    }
}

macro_rules! fine {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, _: $type) -> Looked {
            Ok(())
        })*
    };
}

impl Serializer for Look {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Entries;
    type SerializeTuple = Entries;
    type SerializeTupleStruct = Entries;
    type SerializeTupleVariant = Entries;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    fine!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    fine!(serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);
    fine!(serialize_u128: u128, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8]);
    fine!(serialize_unit_struct: &'static str);

    fn serialize_f32(self, value: f32) -> Looked {
        number(value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Looked {
        number(value.is_finite())
    }

    fn serialize_none(self) -> Looked {
        Ok(())
    }

    fn serialize_unit(self) -> Looked {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Looked {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Looked {
        value.serialize(Look)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Looked {
        value.serialize(Look)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Looked {
        value.serialize(Look).map_err(|found| found.within(variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Entries, Found> {
        Ok(Entries(0))
    }

    fn serialize_tuple(self, _: usize) -> Result<Entries, Found> {
        Ok(Entries(0))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Entries, Found> {
        Ok(Entries(0))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Entries, Found> {
        Ok(Entries(0))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, Found> {
        Ok(Members(String::new()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, Found> {
        Ok(Members(String::new()))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Members, Found> {
        Ok(Members(String::new()))
    }
}

macro_rules! entries {
    ($($of:ident: $method:ident),*) => {
        $(impl ser::$of for Entries {
            type Ok = ();
            type Error = Found;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Looked {
                let index = self.0;
                self.0 += 1;
                value.serialize(Look).map_err(|found| found.within(&format!("[{index}]")))
            }

            fn end(self) -> Looked {
                Ok(())
            }
        })*
    };
}

entries!(SerializeSeq: serialize_element, SerializeTuple: serialize_element);
entries!(SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field);

macro_rules! members {
    ($($of:ident),*) => {
        $(impl ser::$of for Members {
            type Ok = ();
            type Error = Found;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Looked {
                value.serialize(Look).map_err(|found| found.within(name))
            }

            fn end(self) -> Looked {
                Ok(())
            }
        })*
    };
}

members!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Members {
    type Ok = ();
    type Error = Found;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Looked {
        // A key that is a number is written as one here.
        serde_json::to_string(key)
            .unwrap_or_default()
            .trim_matches('"')
            .clone_into(&mut self.0);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Looked {
        value.serialize(Look).map_err(|found| found.within(&self.0))
    }

    fn end(self) -> Looked {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    struct Report {
        mean: f64,
        parts: Vec<Part>,
        by_name: BTreeMap<u8, (f32, Option<f64>)>,
    }

    #[derive(Serialize)]
    enum Part {
        Nothing(Option<u8>),
        Range { from: f64 },
        Pair(f64, f64),
    }

    fn found(mean: f64, parts: Vec<Part>, pair: (f32, Option<f64>)) -> Option<String> {
        let report = Report {
            mean,
            parts,
            by_name: BTreeMap::from([(7, pair)]),
        };
        not_finite(&serde_json::to_string(&report).unwrap(), &report)
    }

    #[test]
    fn nan_and_infinity_are_found_with_their_path() {
        let infinite = f64::INFINITY;
        assert_eq!(found(1.0, vec![Part::Nothing(None)], (0.5, None)), None);
        assert_eq!(
            found(f64::NAN, vec![], (0.5, None)).as_deref(),
            Some("mean")
        );
        let range = vec![Part::Nothing(None), Part::Range { from: infinite }];
        assert_eq!(
            found(1.0, range, (0.5, None)).as_deref(),
            Some("parts[1].from")
        );
        assert_eq!(
            found(1.0, vec![Part::Pair(0.0, -infinite)], (0.5, None)).as_deref(),
            Some("parts[0][1]")
        );
        assert_eq!(
            found(1.0, vec![], (f32::NAN, None)).as_deref(),
            Some("by_name.7[0]")
        );
        assert_eq!(
            found(1.0, vec![], (0.0, Some(infinite))).as_deref(),
            Some("by_name.7[1]")
        );
        assert_eq!(not_finite("null", &f64::NAN).as_deref(), Some(""));
    }
}
