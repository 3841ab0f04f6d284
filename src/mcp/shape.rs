//! The arguments of a handler: how clients see them, and what is checked before it runs.

use std::rc::Rc;

use schemars::Schema;
use serde_json::{Value, json};

use super::constraints::Constraints;
use super::kind::check_object;
use super::schema::{no_arguments, portable_input};

/// The arguments of a tool, prompt or resource template.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// The schema that clients see.
    pub(crate) shown: Schema,
    /// Reason for which the feature is not served.
    pub(crate) problem: Option<String>,
    constraints: Option<Rc<Constraints>>,
}

impl Shape {
    /// The arguments that a handler reads, by the schema that schemars makes of them; none if it takes none.
    pub(crate) fn of(arguments: Option<&Schema>) -> Self {
        let Some(schema) = arguments else {
            return Self { shown: no_arguments(), problem: None, constraints: None };
        };
        let (shown, unfit) = match portable_input(schema.clone()) {
            Ok(shown) => (shown, None),
            Err(problem) => (no_arguments(), Some(problem)),
        };
        Self::checked(shown, unfit, schema)
    }

    /// Arguments by a schema that was written by hand. It is shown as it is, with `type` and `properties` at its root.
    pub(crate) fn by_hand(mut schema: Schema) -> Self {
        if schema.get("type").is_none() && schema.get("properties").is_some() {
            schema.insert("type".to_owned(), json!("object"));
        }
        let is_object = schema.get("type").is_some_and(|name| name == "object");
        let unfit = (!is_object).then(|| "its input schema must have `\"type\": \"object\"` at its root".to_owned());
        if schema.get("properties").is_none_or(|properties| !properties.is_object()) {
            schema.insert("properties".to_owned(), json!({}));
        }
        let own = schema.clone();
        Self::checked(schema, unfit, &own)
    }

    fn checked(shown: Schema, unfit: Option<String>, schema: &Schema) -> Self {
        match Constraints::of(schema) {
            Ok(constraints) => Self { shown, problem: unfit, constraints: constraints.map(Rc::new) },
            Err(problem) => Self { shown, problem: unfit.or(Some(problem)), constraints: None },
        }
    }

    /// Checks that arguments are an object, and the constraints of their schema if it has any.
    ///
    /// # Errors
    /// The argument that breaks a constraint, and the constraint.
    pub(crate) fn check(&self, arguments: &str) -> Result<(), String> {
        check_object(arguments)?;
        self.constraints.as_ref().map_or(Ok(()), |constraints| constraints.check(arguments))
    }

    /// The schemas of the arguments by their names.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.shown.get("properties").and_then(Value::as_object).into_iter().flatten()
    }
}
