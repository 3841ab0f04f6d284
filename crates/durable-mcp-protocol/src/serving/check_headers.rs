//! The check of headers that repeat arguments (2026-07-28, Streamable HTTP, "Server Validation").

use serde_json::value::RawValue;

use crate::call::Call;
use crate::cut::Quoted;
use crate::error::{Error, ErrorCode};
use crate::fields::Fields;
use crate::whole_number::whole;

impl Call {
    /// Compares the headers that repeat arguments with the arguments. `header` returns the decoded value of a header.
    ///
    /// # Errors
    /// −32020 when one is missing, there without its argument, or says something else.
    pub fn check_header_params(
        &self,
        header: &dyn Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        let params = self.header_params();
        if params.is_empty() {
            return Ok(());
        }
        let fields = self.request.params.fields();
        let arguments = fields.raw("arguments").map_or("{}", RawValue::get);
        let arguments = Fields::parse(arguments)?;
        for param in params {
            let name = &param.header;
            let told = match (header(name)?, param.value(&arguments)?) {
                (Some(header), Some(argument)) if !same_value(&header, &argument) => {
                    format!(
                        "The header {name} is {}, and the argument is {}.",
                        Quoted(&header),
                        Quoted(&argument)
                    )
                }
                (None, Some(argument)) => format!(
                    "Send the header {name}, as the argument is {}.",
                    Quoted(&argument)
                ),
                (Some(_), None) => {
                    format!("The header {name} stands for an argument that the call does not have.")
                }
                _ => continue,
            };
            return Err(Error::new(ErrorCode::HEADER_MISMATCH, told));
        }
        Ok(())
    }
}

/// Compares a header's text with an argument's. Integers are compared by value: `42.0` is 42.
pub(crate) fn same_value(header: &str, argument: &str) -> bool {
    header == argument
        || matches!((integer(header), integer(argument)), (Some(a), Some(b)) if a == b)
}

fn integer(text: &str) -> Option<i64> {
    whole(text).as_deref().unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_integers_are_compared_by_value_and_others_by_text() {
        for (header, argument) in [
            ("42", "42"),
            ("42.0", "42"),
            ("-7", "-7.00"),
            ("100", "1e2"),
            ("true", "true"),
            ("a", "a"),
        ] {
            assert!(same_value(header, argument), "{header} {argument}");
        }
        for (header, argument) in [
            ("42", "43"),
            ("42.5", "42"),
            ("42.", "42"),
            ("A", "a"),
            ("", "0"),
            ("true", "1"),
        ] {
            assert!(!same_value(header, argument), "{header} {argument}");
        }
    }
}
