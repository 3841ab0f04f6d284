//! Path of a wrong argument inside an enum: serde reads the data of an enum into a copy first, and reports its faults without
//! a place in the text. Other faults are placed by `json_path`, and worded by `json_text`.

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::constraints::{is_other, is_shape, is_type, number_fault};
use crate::reference::referred;

/// The most parts that are looked at: far more than the arguments of a call have. Alternatives inside each other would
/// otherwise take time that grows with their product.
const MAX_TRIES: usize = 10_000;

/// Deeper schemas and values are not looked into.
const MAX_DEPTH: usize = 64;

/// The path of the first part of a JSON text that is not of its schema's type or bounds; none if there is none to be found.
pub(crate) fn misfit(json: &str, schema: &Value) -> Option<String> {
    let value = serde_json::from_str(json).ok()?;
    let steps = Search {
        root: schema,
        tries: Cell::new(MAX_TRIES),
    }
    .part(schema, &value, 0)?;
    let mut path = String::new();
    for step in steps.into_iter().rev() {
        match step {
            Step::Member(name) if path.is_empty() => path.push_str(name),
            Step::Member(name) => path.extend([".", name]),
            Step::Entry(at) => path.extend(["[", &at.to_string(), "]"]),
        }
    }
    Some(path)
}

/// A step from a value to a part of it.
enum Step<'v> {
    Member(&'v str),
    Entry(usize),
}

/// The steps from a value to a fault inside it, the last one first. Written as text only once all is over: a path may be as
/// long as the body, and there may be very many parts below it.
type Steps<'v> = Vec<Step<'v>>;

struct Search<'a> {
    root: &'a Value,
    tries: Cell<usize>,
}

impl<'a> Search<'a> {
    fn part<'v>(&self, schema: &'a Value, value: &'v Value, depth: usize) -> Option<Steps<'v>> {
        self.tries.set(
            self.tries
                .get()
                .checked_sub(1)
                .filter(|_| depth < MAX_DEPTH)?,
        );
        let rules = schema.as_object()?;
        if let Some(target) = referred(self.root, schema) {
            return self.part(target, value, depth + 1);
        }
        let is_out =
            matches!(value, Value::Number(number) if number_fault(rules, number).is_some());
        let has_shape = value.is_object() || is_shape(rules, value);
        if !is_type(rules, value) || is_out || !has_shape {
            return Some(Vec::new());
        }
        let all = rules
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let inside = self.inside(rules, value, depth);
        inside
            .or_else(|| {
                all.into_iter()
                    .find_map(|one| self.part(one, value, depth + 1))
            })
            .or_else(|| {
                let choices = ["oneOf", "anyOf"]
                    .iter()
                    .find_map(|keyword| rules.get(*keyword)?.as_array())?;
                self.choice(choices, value, depth)
            })
    }

    fn inside<'v>(
        &self,
        rules: &'a Map<String, Value>,
        value: &'v Value,
        depth: usize,
    ) -> Option<Steps<'v>> {
        match value {
            Value::Object(members) => members
                .iter()
                .filter(|(_, member)| !member.is_null())
                .find_map(|(name, member)| {
                    let own = rules.get("properties").and_then(|own| own.get(name));
                    let schema = own.or_else(|| rules.get("additionalProperties"))?;
                    let mut steps = self.part(schema, member, depth + 1)?;
                    steps.push(Step::Member(name));
                    Some(steps)
                }),
            Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
                let first = rules.get("prefixItems").and_then(|first| first.get(at));
                let schema = first.or_else(|| rules.get("items"))?;
                let mut steps = self.part(schema, item, depth + 1)?;
                steps.push(Step::Entry(at));
                Some(steps)
            }),
            _ => None,
        }
    }

    /// The steps to the deepest fault among the alternatives that a value may be of; none if one of them has no fault.
    fn choice<'v>(
        &self,
        choices: &'a [Value],
        value: &'v Value,
        depth: usize,
    ) -> Option<Steps<'v>> {
        let mut deepest: Option<Steps<'v>> = None;
        for choice in choices {
            let target = referred(self.root, choice).unwrap_or(choice);
            if target
                .as_object()
                .is_none_or(|rules| is_other(rules, value) || !is_shape(rules, value))
            {
                continue;
            }
            let found = self.part(target, value, depth + 1)?;
            deepest = deepest
                .filter(|known| known.len() >= found.len())
                .or(Some(found));
        }
        deepest
    }
}
