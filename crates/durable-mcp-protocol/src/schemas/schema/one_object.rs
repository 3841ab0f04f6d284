//! Arguments as one object: model providers refuse a choice at the root.

use serde_json::{Map, Value, json};

use super::choices::plain_enum;
use super::keywords::{allows_everything, drop_null};

/// Makes the schema of arguments one plain object: the properties of all variants, of which those are required that
/// all variants require. Which of them go together is for the handler to check.
///
/// # Errors
/// When a variant, or all of it, is no object, since arguments always are one.
pub(super) fn one_object(root: &mut Map<String, Value>) -> Result<(), String> {
    drop_null(root);
    if is_choice_of_words(root) {
        return Err(not_an_object(root));
    }
    if allows_everything(root) {
        root.insert("type".to_owned(), json!("object"));
    }
    // An alternative that is no object cannot stand beside own properties; without those it would be all of the arguments.
    let is_strict = !root.contains_key("properties");
    merge_choices(root, is_strict)?;
    match root.get("type").and_then(Value::as_str) {
        Some("object") => Ok(()),
        None if root.contains_key("properties") => {
            root.insert("type".to_owned(), json!("object"));
            Ok(())
        }
        _ => Err(not_an_object(root)),
    }
}

/// True if no variant of an enum has fields.
fn is_choice_of_words(root: &Map<String, Value>) -> bool {
    let mut plain = root.clone();
    plain_enum(&mut plain);
    plain.contains_key("enum")
}

fn not_an_object(part: &Map<String, Value>) -> String {
    let shape = match (
        part.get("type").and_then(Value::as_str),
        part.get("enum").or(part.get("const")),
    ) {
        (_, Some(values)) => format!("one of {values}"),
        (Some("array"), None) => "a list".to_owned(),
        (Some(name), None) => format!("of type {name}"),
        (None, None) => "of no type".to_owned(),
    };
    format!(
        "its arguments may be {shape}, and clients pass an object; have `Args` read a struct with that as a field"
    )
}

/// Merges the alternatives of an object into it. With `strict` each of them has to be an object; otherwise those that
/// are none are passed over, as they cannot stand beside the object's own properties.
///
/// # Errors
/// When one is no object.
pub(super) fn merge_choices(object: &mut Map<String, Value>, strict: bool) -> Result<(), String> {
    for keyword in ["allOf", "oneOf", "anyOf"] {
        let Some(Value::Array(parts)) = object.remove(keyword) else {
            continue;
        };
        let mut objects = Vec::new();
        for part in parts {
            let Value::Object(mut part) = part else {
                continue;
            };
            drop_null(&mut part);
            unit_variants(&mut part);
            merge_choices(&mut part, strict)?;
            let is_object = part.contains_key("properties")
                || part.get("type").is_some_and(|name| name == "object");
            if is_object || allows_everything(&part) {
                objects.push(part);
            } else if strict && part.get("type").is_none_or(|name| name != "null") {
                return Err(not_an_object(&part));
            }
        }
        if !objects.is_empty() {
            absorb(object, objects, keyword == "allOf");
        }
    }
    Ok(())
}

/// Variants without fields of an enum that has others too: serde reads `{"Name": null}` as one.
fn unit_variants(part: &mut Map<String, Value>) {
    if part.get("type").is_none_or(|name| name != "string") {
        return;
    }
    let names = match (part.get("enum"), part.get("const")) {
        (Some(Value::Array(names)), _) => names.clone(),
        (_, Some(name)) => vec![name.clone()],
        _ => return,
    };
    let told = part
        .remove("description")
        .map(|text| ("description".to_owned(), text));
    let variant: Map<_, _> = [("type".to_owned(), json!("null"))]
        .into_iter()
        .chain(told)
        .collect();
    let without_fields =
        |name: &Value| Some((name.as_str()?.to_owned(), Value::Object(variant.clone())));
    let variants: Map<_, _> = names.iter().filter_map(without_fields).collect();
    *part = Map::from_iter([("properties".to_owned(), Value::Object(variants))]);
}

/// Adds the properties of `parts` to an object, and to its required ones those that each part requires, or with
/// `together` any of them.
fn absorb(object: &mut Map<String, Value>, parts: Vec<Map<String, Value>>, together: bool) {
    let mut properties: Vec<(String, Vec<Value>)> = Vec::new();
    let mut required: Option<Vec<Value>> = None;
    for mut part in parts {
        let description = part.remove("description");
        let needed = match part.remove("required") {
            Some(Value::Array(names)) => names,
            _ => Vec::new(),
        };
        required = Some(match required {
            None => needed,
            Some(others) if together => others.into_iter().chain(needed).collect(),
            Some(others) => others
                .into_iter()
                .filter(|name| needed.contains(name))
                .collect(),
        });
        let Some(Value::Object(own)) = part.remove("properties") else {
            continue;
        };
        for (name, schema) in own {
            collect(&mut properties, name, told(schema, description.as_ref()));
        }
    }
    object.insert("type".to_owned(), json!("object"));
    if let Value::Object(all) = object.entry("properties").or_insert_with(|| json!({})) {
        for (name, schemas) in properties {
            all.entry(name).or_insert_with(|| one_of(schemas));
        }
    }
    require(object, required.unwrap_or_default());
}

fn require(object: &mut Map<String, Value>, names: Vec<Value>) {
    if names.is_empty() {
        return;
    }
    if let Value::Array(all) = object.entry("required").or_insert_with(|| json!([])) {
        for name in names {
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
}

/// Gives the tag of a variant the description of the variant.
fn told(mut schema: Value, description: Option<&Value>) -> Value {
    if let (Value::Object(tag), Some(description)) = (&mut schema, description)
        && tag.contains_key("const")
    {
        tag.entry("description")
            .or_insert_with(|| description.clone());
    }
    schema
}

fn collect(properties: &mut Vec<(String, Vec<Value>)>, name: String, schema: Value) {
    match properties.iter_mut().find(|(other, _)| *other == name) {
        Some((_, schemas)) if schemas.iter().any(|other| is_same(other, &schema)) => {}
        Some((_, schemas)) => schemas.push(schema),
        None => properties.push((name, vec![schema])),
    }
}

/// Compares two schemas, apart from their descriptions.
fn is_same(one: &Value, other: &Value) -> bool {
    let bare = |schema: &Value| {
        let mut schema = schema.clone();
        schema
            .as_object_mut()
            .map(|object| object.remove("description"));
        schema
    };
    bare(one) == bare(other)
}

fn one_of(mut schemas: Vec<Value>) -> Value {
    if schemas.len() == 1
        && schemas
            .first()
            .is_some_and(|only| only.get("const").is_none())
    {
        return schemas.swap_remove(0);
    }
    let mut choice = Map::from_iter([("anyOf".to_owned(), Value::Array(schemas))]);
    plain_enum(&mut choice);
    Value::Object(choice)
}
