//! Constraints of a schema beyond the Rust type: bounds, lengths, patterns and formats. Types are checked by serde,
//! except for the kinds of values that it reads as another kind.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use schemars::Schema;
use serde_json::{Map, Number, Value};

use crate::cut::{CUT_CHARS, Quoted, cut_text};
use crate::format;
use crate::json_fault::parse_at;
use crate::kind::{has_texts, is_other_kind, kinds, may_be_misread, told};
use crate::pattern::{self, Matcher};
use crate::reference::referred;

/// The longest text that a pattern is tried on, in characters. The runtime's engine backtracks: a careless pattern takes
/// quadratic time, a few milliseconds for so many.
const MAX_PATTERN_CHARS: usize = 10_000;

/// Depth to which schemas are followed: for each of the 128 levels that serde reads a reference, two choices and a member.
const MAX_DEPTH: usize = 512;

/// The most schemas tried for each byte of a value. Alternatives that nest could be tried in every combination.
const TRIES_PER_BYTE: usize = 16;

/// The most faults that are told of a value, so that a model can mend them at once.
const MAX_FAULTS: usize = 8;

/// The constraints of a schema.
pub(crate) struct Constraints {
    schema: Value,
    patterns: Vec<(String, Matcher)>,
    /// True if only kinds are checked; those of an object of scalars are never wrong.
    only_kinds: bool,
}

/// Keywords that say something beyond the type.
const KEYWORDS: [&str; 13] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

impl Constraints {
    /// The constraints of a schema; `None` if there is nothing to check: no constraint, struct or enum inside.
    ///
    /// # Errors
    /// When a pattern is no regular expression.
    pub(crate) fn of(schema: &Schema) -> Result<Option<Self>, String> {
        let mut found = Found::default();
        found.look_at(schema.as_value());
        found.kinds |= schema.as_object().is_some_and(has_choice);
        if !found.any && !found.kinds {
            return Ok(None);
        }
        let only_kinds = !found.any && !found.tags;
        let mut patterns = Vec::new();
        for text in found.patterns {
            let matcher = pattern::compile(&text).map_err(|error| {
                format!("the pattern {text:?} is no regular expression of ECMAScript with the flag `u`: {error}")
            })?;
            patterns.push((text, matcher));
        }
        Ok(Some(Self {
            schema: schema.as_value().clone(),
            patterns,
            only_kinds,
        }))
    }

    /// Checks a value.
    ///
    /// # Errors
    /// The paths of the first parts that break a constraint, and which one each.
    pub(crate) fn check(&self, json: &str) -> Result<(), String> {
        if self.only_kinds && is_flat(json) {
            return Ok(());
        }
        let value = parse_at(json)?;
        let tries = Cell::new(
            json.len()
                .saturating_mul(TRIES_PER_BYTE)
                .saturating_add(MAX_DEPTH),
        );
        let check = Check {
            constraints: self,
            tries,
        };
        let faults = check.judge(&self.schema, &value, &Path::Root, 0).faults;
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.join("; "))
        }
    }
}

impl fmt::Debug for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Constraints").finish_non_exhaustive()
    }
}

/// The constraints that a search through a schema finds.
#[derive(Default)]
struct Found {
    any: bool,
    /// True if a value inside may be taken for one of another kind.
    kinds: bool,
    /// True if variants are told apart by a member.
    tags: bool,
    patterns: BTreeSet<String>,
}

impl Found {
    fn look_at(&mut self, schema: &Value) {
        match schema {
            Value::Object(rules) => {
                let own = rules.get("properties").and_then(Value::as_object);
                self.tags |= own
                    .into_iter()
                    .flatten()
                    .any(|(_, member)| member.get("const").is_some());
                self.patterns.extend(
                    rules
                        .get("pattern")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                self.any |= rules
                    .iter()
                    .any(|(keyword, rule)| is_constraint(rules, keyword, rule));
                for (_, part) in rules.iter().filter(|(keyword, _)| !is_data(keyword)) {
                    self.kinds |= part
                        .as_object()
                        .is_some_and(|part| kinds(part).contains(&"object") || has_texts(part));
                    self.look_at(part);
                }
            }
            Value::Array(parts) => {
                for part in parts {
                    self.kinds |= part
                        .as_object()
                        .is_some_and(|part| kinds(part).contains(&"object") || has_texts(part));
                    self.look_at(part);
                }
            }
            _ => {}
        }
    }
}

fn has_choice(rules: &Map<String, Value>) -> bool {
    ["oneOf", "anyOf"]
        .iter()
        .any(|keyword| rules.contains_key(*keyword))
}

/// True for the JSON of an object with neither an object nor a list inside.
fn is_flat(json: &str) -> bool {
    json.trim_ascii_start()
        .strip_prefix('{')
        .is_some_and(|members| !members.contains(['{', '[']))
}

/// Keywords whose value is no schema but an example of what it describes.
fn is_data(keyword: &str) -> bool {
    matches!(
        keyword,
        "default" | "const" | "enum" | "example" | "examples"
    )
}

/// True if a keyword constrains more than the type beside it; serde checks the bounds of the type itself.
fn is_constraint(rules: &Map<String, Value>, keyword: &str, rule: &Value) -> bool {
    let format = rules
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let of_type = match (keyword, format) {
        ("minimum", "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "uint128") => {
            rule.as_f64() == Some(0.0)
        }
        ("maximum", "uint8") => *rule == u8::MAX,
        ("maximum", "uint16") => *rule == u16::MAX,
        ("minimum", "int8") => *rule == i8::MIN,
        ("maximum", "int8") => *rule == i8::MAX,
        ("minimum", "int16") => *rule == i16::MIN,
        ("maximum", "int16") => *rule == i16::MAX,
        // A tuple has as many entries as its type says.
        ("minItems" | "maxItems", _) => rules.contains_key("prefixItems"),
        _ => false,
    };
    let is_text_format = keyword == "format"
        && rules
            .get("type")
            .is_none_or(|name| has_type(name, "string"));
    (KEYWORDS.contains(&keyword) && !rule.is_object() && !of_type)
        || (is_text_format && rule.is_string())
}

fn has_type(names: &Value, wanted: &str) -> bool {
    names == wanted
        || names
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name == wanted))
}

/// The place of a part in a value.
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Entry(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Entry(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The verdict of a schema on a value.
struct Verdict {
    /// True if the value is of the schema's shape: its types, members and constants.
    fits: bool,
    /// The constraints that it breaks, each once.
    faults: Vec<String>,
    /// True if the value, or one inside, is of another kind than the schema names and yet may be read by serde, unchecked.
    is_misread: bool,
    /// True if the value itself is of another kind.
    is_other_kind: bool,
}

impl Verdict {
    const FITS: Self = Self {
        fits: true,
        faults: Vec::new(),
        is_misread: false,
        is_other_kind: false,
    };
    const OTHER: Self = Self {
        fits: false,
        faults: Vec::new(),
        is_misread: false,
        is_other_kind: false,
    };

    fn add(&mut self, other: Self) {
        self.fits &= other.fits;
        for fault in other.faults {
            if self.faults.len() < MAX_FAULTS && !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
        }
        self.is_misread |= other.is_misread;
        self.is_other_kind |= other.is_other_kind;
    }
}

struct Check<'a> {
    constraints: &'a Constraints,
    tries: Cell<usize>,
}

/// The faults of the alternatives of a choice, by how near the value is to them.
#[derive(Default)]
struct ChoiceFaults {
    of_shape: Vec<String>,
    misread: Vec<String>,
    of_others: Vec<String>,
}

impl ChoiceFaults {
    /// Keeps the faults of one alternative of each nearness: those of two would contradict each other.
    fn keep(&mut self, verdict: Verdict) {
        let kept = match verdict {
            Verdict { fits: true, .. } => &mut self.of_shape,
            Verdict {
                is_misread: true, ..
            } => &mut self.misread,
            _ => &mut self.of_others,
        };
        if kept.is_empty() {
            *kept = verdict.faults;
        }
    }

    /// The verdict by the nearest alternative.
    fn verdict(self) -> Verdict {
        let fits = !self.of_shape.is_empty();
        let is_misread = !fits && !self.misread.is_empty();
        let faults = [self.of_shape, self.misread, self.of_others]
            .into_iter()
            .find(|faults| !faults.is_empty())
            .unwrap_or_default();
        Verdict {
            fits,
            faults,
            is_misread,
            is_other_kind: false,
        }
    }
}

/// The verdict on a value that is of another variant or kind than the schema's; none on any other value.
fn verdict_on_other(rules: &Map<String, Value>, value: &Value, path: &Path<'_>) -> Option<Verdict> {
    if is_other_tag(rules, value) {
        return Some(Verdict::OTHER);
    }
    // Arguments are an object also where they choose a variant without data.
    let is_root_object = matches!(path, Path::Root) && value.is_object();
    (!is_root_object && is_other_kind(rules, value))
        .then(|| other_kind(&kinds(rules), value, path, may_be_misread(rules, value)))
}

/// The schemas in a list of a keyword.
fn schemas<'a>(rules: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    rules
        .get(keyword)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

impl Check<'_> {
    fn judge(&self, schema: &Value, value: &Value, path: &Path<'_>, depth: usize) -> Verdict {
        let Some(rules) = schema.as_object() else {
            return if *schema == false {
                Verdict::OTHER
            } else {
                Verdict::FITS
            };
        };
        if !self.take_try(depth) {
            return said(path, "is too intricate to be checked");
        }
        if let Some(verdict) = verdict_on_other(rules, value, path) {
            return verdict;
        }
        let mut verdict = Verdict {
            fits: is_type(rules, value) && is_shape(rules, value),
            ..Verdict::FITS
        };
        if let Some(fault) = self.own_fault(rules, value) {
            verdict.add(said(path, &fault));
        }
        if let Some(target) = referred(&self.constraints.schema, schema) {
            verdict.add(self.judge(target, value, path, depth + 1));
        }
        match value {
            Value::Array(items) => verdict.add(self.items(rules, items, path, depth)),
            Value::Object(members) => verdict.add(self.members(rules, members, path, depth)),
            _ => {}
        }
        for all in schemas(rules, "allOf") {
            verdict.add(self.judge(all, value, path, depth + 1));
        }
        for keyword in ["oneOf", "anyOf"] {
            if let Some(choices) = rules.get(keyword).and_then(Value::as_array) {
                verdict.add(self.choice(choices, value, path, depth));
            }
        }
        verdict
    }

    /// Counts a schema that a value is checked against; false beyond a limit.
    fn take_try(&self, depth: usize) -> bool {
        let left = self.tries.get().checked_sub(1);
        let Some(left) = left.filter(|_| depth < MAX_DEPTH) else {
            return false;
        };
        self.tries.set(left);
        true
    }

    fn items(
        &self,
        rules: &Map<String, Value>,
        items: &[Value],
        path: &Path<'_>,
        depth: usize,
    ) -> Verdict {
        let first = schemas(rules, "prefixItems");
        let mut verdict = Verdict::FITS;
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or_else(|| rules.get("items")) {
                let of_item = self.judge(schema, item, &Path::Entry(path, index), depth + 1);
                verdict.add(Verdict {
                    is_other_kind: false,
                    ..of_item
                });
            }
        }
        verdict
    }

    fn members(
        &self,
        rules: &Map<String, Value>,
        members: &Map<String, Value>,
        path: &Path<'_>,
        depth: usize,
    ) -> Verdict {
        let own = rules.get("properties").and_then(Value::as_object);
        let mut verdict = Verdict::FITS;
        for (name, member) in members {
            let named = own.and_then(|own| own.get(name));
            if let Some(schema) = named.or_else(|| rules.get("additionalProperties")) {
                // A member that is `null` counts as absent.
                let fits = named.is_some() && member.is_null();
                let of_member = self.judge(schema, member, &Path::Member(path, name), depth + 1);
                verdict.add(Verdict {
                    fits: fits || of_member.fits,
                    is_other_kind: false,
                    ..of_member
                });
            }
        }
        verdict
    }

    /// Accepts a value if one alternative does. A value with the shape of none may still be read by serde as one of them,
    /// so it is rejected only if every alternative that it could be reports a fault.
    fn choice(&self, choices: &[Value], value: &Value, path: &Path<'_>, depth: usize) -> Verdict {
        let mut faults = ChoiceFaults::default();
        let (mut all_at_fault, mut all_other_kinds) = (true, !choices.is_empty());
        for choice in choices {
            let verdict = self.judge(choice, value, path, depth + 1);
            all_other_kinds &= verdict.is_other_kind;
            if verdict.fits && verdict.faults.is_empty() {
                return Verdict::FITS;
            }
            let rules = choice.as_object();
            let is_near = verdict.fits || verdict.is_misread;
            if !is_near && rules.is_some_and(|rules| is_other(rules, value)) {
                continue;
            }
            all_at_fault &= is_near || !verdict.faults.is_empty();
            faults.keep(verdict);
        }
        if all_other_kinds {
            let is_misread = !faults.misread.is_empty();
            return other_kind(&all_kinds(choices), value, path, is_misread);
        }
        if !all_at_fault {
            faults.of_others.clear();
        }
        faults.verdict()
    }

    fn own_fault(&self, rules: &Map<String, Value>, value: &Value) -> Option<String> {
        match value {
            Value::Number(number) => number_fault(rules, number),
            Value::String(text) => self.text_fault(rules, text),
            Value::Array(items) => {
                let count = count_fault(rules, items.len(), ["minItems", "maxItems"], "entries");
                count.or_else(|| twin_fault(rules, items))
            }
            Value::Object(members) => count_fault(
                rules,
                members.len(),
                ["minProperties", "maxProperties"],
                "members",
            ),
            _ => None,
        }
    }

    fn text_fault(&self, rules: &Map<String, Value>, text: &str) -> Option<String> {
        if rules.contains_key("minLength") || rules.contains_key("maxLength") {
            let length = count_fault(
                rules,
                text.chars().count(),
                ["minLength", "maxLength"],
                "characters",
            );
            if length.is_some() {
                return length;
            }
        }
        if let Some(wanted) = rules.get("pattern").and_then(Value::as_str) {
            let (_, matches) = self
                .constraints
                .patterns
                .iter()
                .find(|(own, _)| own == wanted)?;
            if text.chars().nth(MAX_PATTERN_CHARS).is_some() {
                return Some(format!(
                    "must have at most {MAX_PATTERN_CHARS} characters, since it has a pattern"
                ));
            }
            if !matches(text) {
                return Some(format!(
                    "must match the pattern {wanted}, and is {}",
                    Quoted(text)
                ));
            }
        }
        let wanted = rules.get("format").and_then(Value::as_str)?;
        (!format::is_of(wanted, text))
            .then(|| format!("must be of the format {wanted}, and is {}", Quoted(text)))
    }
}

fn said(path: &Path<'_>, fault: &str) -> Verdict {
    let fault = match path {
        Path::Root => format!("the value {fault}"),
        path => format!("`{}` {fault}", cut_text(path, CUT_CHARS)),
    };
    Verdict {
        faults: vec![fault],
        ..Verdict::FITS
    }
}

fn other_kind(kinds: &[&str], value: &Value, path: &Path<'_>, is_misread: bool) -> Verdict {
    Verdict {
        fits: false,
        is_misread,
        is_other_kind: true,
        ..said(path, &told(kinds, value))
    }
}

/// The kinds of all alternatives, nested ones included, each once and without `null`.
fn all_kinds(choices: &[Value]) -> Vec<&str> {
    let mut all = Vec::new();
    for rules in choices.iter().filter_map(Value::as_object) {
        let nested = ["oneOf", "anyOf"]
            .into_iter()
            .filter_map(|keyword| rules.get(keyword)?.as_array());
        for kind in kinds(rules)
            .into_iter()
            .chain(nested.flat_map(|nested| all_kinds(nested)))
        {
            if kind != "null" && !all.contains(&kind) {
                all.push(kind);
            }
        }
    }
    all
}

pub(crate) fn is_type(rules: &Map<String, Value>, value: &Value) -> bool {
    let is_one = |name: &Value| match (name.as_str().unwrap_or_default(), value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        ("integer", Value::Number(number)) => {
            number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => false,
    };
    match rules.get("type") {
        None => true,
        Some(Value::Array(names)) => names.iter().any(is_one),
        Some(name) => is_one(name),
    }
}

fn required(rules: &Map<String, Value>) -> impl Iterator<Item = &str> {
    rules
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Checks a value against the `const`, `enum` and `required` of a schema.
pub(crate) fn is_shape(rules: &Map<String, Value>, value: &Value) -> bool {
    rules.get("const").is_none_or(|only| only == value)
        && rules
            .get("enum")
            .and_then(Value::as_array)
            .is_none_or(|values| values.contains(value))
        && value
            .as_object()
            .is_none_or(|members| required(rules).all(|name| members.contains_key(name)))
}

/// True if a constant member marks a value as one of another variant.
fn is_other_tag(rules: &Map<String, Value>, value: &Value) -> bool {
    let own = rules.get("properties").and_then(Value::as_object);
    own.into_iter().flatten().any(|(name, schema)| {
        let constant = schema.get("const");
        let is_other = |constant: &Value, given: &Value| {
            given != constant && (given.is_string() || !constant.is_string())
        };
        constant.is_some_and(|constant| {
            value
                .get(name)
                .is_some_and(|given| is_other(constant, given))
        })
    })
}

/// True if a value cannot be of a variant: it has another tag or type, or none of the members that the variant requires.
pub(crate) fn is_other(rules: &Map<String, Value>, value: &Value) -> bool {
    let has_none = |members: &Map<String, Value>| {
        let mut needed = required(rules).peekable();
        needed.peek().is_some() && !needed.any(|name| members.contains_key(name))
    };
    is_other_tag(rules, value) || !is_type(rules, value) || value.as_object().is_some_and(has_none)
}

fn compare(number: &Number, bound: &Number) -> Option<Ordering> {
    match (number.as_i128(), bound.as_i128()) {
        (Some(number), Some(bound)) => Some(number.cmp(&bound)),
        _ => number.as_f64()?.partial_cmp(&bound.as_f64()?),
    }
}

pub(crate) fn number_fault(rules: &Map<String, Value>, number: &Number) -> Option<String> {
    let bounds: [(&str, &str, &[Ordering]); 4] = [
        ("minimum", "at least", &[Ordering::Greater, Ordering::Equal]),
        ("maximum", "at most", &[Ordering::Less, Ordering::Equal]),
        ("exclusiveMinimum", "more than", &[Ordering::Greater]),
        ("exclusiveMaximum", "less than", &[Ordering::Less]),
    ];
    for (keyword, words, right) in bounds {
        let Some(Value::Number(bound)) = rules.get(keyword) else {
            continue;
        };
        if compare(number, bound).is_none_or(|order| !right.contains(&order)) {
            return Some(format!("must be {words} {bound}, and is {number}"));
        }
    }
    let step = rules
        .get("multipleOf")
        .filter(|step| step.as_f64().is_some_and(|step| step > 0.0))?;
    let steps = number.as_f64()? / step.as_f64()?;
    // Tolerance for decimal fractions, which binary numbers only approximate.
    let is_multiple = (steps - steps.round()).abs() <= steps.abs() * 4.0 * f64::EPSILON;
    (!is_multiple).then(|| format!("must be a multiple of {step}, and is {number}"))
}

fn count_fault(
    rules: &Map<String, Value>,
    count: usize,
    [least, most]: [&str; 2],
    of: &str,
) -> Option<String> {
    let rule = |keyword: &str| rules.get(keyword)?.as_f64();
    #[expect(clippy::cast_precision_loss, reason = "no text or list has 2^53 parts")]
    let size = count as f64;
    if let Some(least) = rule(least).filter(|least| size < *least) {
        return Some(format!("must have at least {least} {of}, and has {count}"));
    }
    let most = rule(most).filter(|most| size > *most)?;
    Some(format!("must have at most {most} {of}, and has {count}"))
}

fn twin_fault(rules: &Map<String, Value>, items: &[Value]) -> Option<String> {
    if rules.get("uniqueItems") != Some(&Value::Bool(true)) {
        return None;
    }
    let mut seen = BTreeSet::new();
    let twin = items
        .iter()
        .find(|item| !seen.insert(item.to_string()))?
        .to_string();
    Some(format!(
        "must not have an entry twice, and has {}",
        Quoted(&twin)
    ))
}
