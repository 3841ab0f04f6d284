//! The arguments of a handler: how clients see them, and what is checked before it runs.

use std::cell::OnceCell;
use std::rc::Rc;

use schemars::Schema;
use serde_json::{Value, json};

use crate::constraints::Constraints;
use crate::kind::check_object;
use crate::schema::{no_arguments, portable_input};

/// The arguments of a tool, prompt or resource template. Their schema is made when it is first needed: a cold start does not
/// wait for those of features that nobody uses.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    source: Source,
    made: OnceCell<Rc<Made>>,
}

/// The origin of a schema.
#[derive(Debug, Clone)]
enum Source {
    /// The handler takes no arguments.
    None,
    /// The type that the handler reads.
    Type(fn() -> Schema),
    /// A schema written by hand.
    Hand(Schema),
}

#[derive(Debug)]
struct Made {
    shown: Schema,
    problem: Option<String>,
    constraints: Option<Constraints>,
}

impl Shape {
    /// The arguments that a handler reads, by the schema that schemars makes of them; none if it takes none.
    pub(crate) fn of(arguments: Option<fn() -> Schema>) -> Self {
        Self {
            source: arguments.map_or(Source::None, Source::Type),
            made: OnceCell::new(),
        }
    }

    /// Arguments by a schema that was written by hand. It is shown as it is, with `type` and `properties` at its root.
    pub(crate) fn by_hand(schema: Schema) -> Self {
        Self {
            source: Source::Hand(schema),
            made: OnceCell::new(),
        }
    }

    /// The schema that clients see.
    pub(crate) fn shown(&self) -> &Schema {
        &self.made().shown
    }

    /// The reason for which its feature cannot be served.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.made().problem.as_deref()
    }

    /// Checks that arguments are an object, and the constraints of their schema if it has any.
    ///
    /// # Errors
    /// The argument that breaks a constraint, and the constraint.
    pub(crate) fn check(&self, arguments: &str) -> Result<(), String> {
        check_object(arguments)?;
        self.made()
            .constraints
            .as_ref()
            .map_or(Ok(()), |constraints| constraints.check(arguments))
    }

    /// The schemas of the arguments by their names.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.shown()
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    }

    fn made(&self) -> &Made {
        self.made.get_or_init(|| {
            Rc::new(match &self.source {
                Source::None => Made {
                    shown: no_arguments(),
                    problem: None,
                    constraints: None,
                },
                Source::Type(schema) => of_type(&schema()),
                Source::Hand(schema) => of_hand(schema.clone()),
            })
        })
    }
}

fn of_type(schema: &Schema) -> Made {
    let (shown, unfit) = match portable_input(schema.clone()) {
        Ok(shown) => (shown, None),
        Err(problem) => (no_arguments(), Some(problem)),
    };
    checked(shown, unfit, schema)
}

fn of_hand(mut schema: Schema) -> Made {
    if schema.get("type").is_none() && schema.get("properties").is_some() {
        schema.insert("type".to_owned(), json!("object"));
    }
    let is_object = schema.get("type").is_some_and(|name| name == "object");
    let unfit = (!is_object)
        .then(|| "its input schema must have `\"type\": \"object\"` at its root".to_owned());
    if schema
        .get("properties")
        .is_none_or(|properties| !properties.is_object())
    {
        schema.insert("properties".to_owned(), json!({}));
    }
    let own = schema.clone();
    checked(schema, unfit, &own)
}

fn checked(shown: Schema, unfit: Option<String>, schema: &Schema) -> Made {
    match Constraints::of(schema) {
        Ok(constraints) => Made {
            shown,
            problem: unfit,
            constraints,
        },
        Err(problem) => Made {
            shown,
            problem: unfit.or(Some(problem)),
            constraints: None,
        },
    }
}
