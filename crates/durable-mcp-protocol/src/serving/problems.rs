//! The faults of what was registered.

use schemars::Schema;
use serde_json::Value;

use crate::completion::Completers;
use crate::extract::Signature;
use crate::prompt::Prompt;
use crate::resource::ResourceTemplate;
use crate::server::Server;
use crate::shared_type::SharedType;
use crate::template::UriTemplate;

impl Server {
    /// The faults of what was registered, each with the name of its feature and what to do. A feature that cannot be served is
    /// left out of the lists. A test of yours asserts that there is none; a running server logs them, and shows them on the page at `/`
    /// to a browser on the same machine. To find them makes every schema.
    ///
    /// ```
    /// # use durable_mcp_protocol::prelude::*;
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Day { day: String }
    /// async fn forecast(Args(Day { day }): Args<Day>) -> String { day }
    ///
    /// let server = Server::new("weather", "1.0.0").resource_template("forecast", "weather://{city}/{day}", forecast);
    /// assert!(server.problems()[0].contains("`city`"));
    /// ```
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut all = Problems {
            told: self.problems.clone(),
        };
        for tool in &self.tools {
            let name = &tool.definition.name;
            if let Some(problem) = tool.problem() {
                all.add("tool", name, problem);
            }
            if let Some(problem) = self.page_problem(tool.page_uri()) {
                all.add("tool", name, &problem);
            }
        }
        for template in &self.templates {
            all.add_each(
                "resource template",
                &template.definition.name,
                &of_template(template),
            );
        }
        for prompt in &self.prompts {
            all.add_each("prompt", &prompt.definition.name, &of_prompt(prompt));
        }
        for own in &self.own_methods {
            if let Some(problem) = own.shape.problem() {
                all.add("method", &own.name, problem);
            }
        }
        for (place, layer) in (1..).zip(&self.layers) {
            if let Some(fault) = layer.fault() {
                all.add("layer", &format!("{place}"), fault);
            }
        }
        self.add_missing_state(&mut all);
        all.told
    }

    /// Adds the handlers that take shared values which the server was not given.
    fn add_missing_state(&self, all: &mut Problems) {
        let mut add = |kind: &str, name: &str, signature: &Signature| {
            for missing in signature
                .shared
                .iter()
                .filter(|needed| !self.shares(needed))
            {
                all.add(kind, name, &missing.problem());
            }
        };
        for tool in &self.tools {
            add("tool", &tool.definition.name, &tool.signature);
        }
        for resource in &self.resources {
            add("resource", &resource.definition.name, &resource.signature);
        }
        for template in &self.templates {
            let name = &template.definition.name;
            add("resource template", name, &template.signature);
            for (variable, signature) in template.completers.signatures() {
                add("completer", &format!("{name}.{variable}"), signature);
            }
        }
        for prompt in &self.prompts {
            let name = &prompt.definition.name;
            add("prompt", name, &prompt.signature);
            for (argument, signature) in prompt.completers.signatures() {
                add("completer", &format!("{name}.{argument}"), signature);
            }
        }
        for own in &self.own_methods {
            add("method", &own.name, &own.signature);
        }
        for (place, layer) in (1..).zip(&self.layers) {
            add("layer", &format!("{place}"), &layer.signature);
        }
        add("hook", "on_state_update", &self.hook_signature);
    }

    fn shares(&self, needed: &SharedType) -> bool {
        self.shared
            .as_ref()
            .is_some_and(|shared| shared.has(needed.id))
    }

    /// The fault of a tool that names a page which is not there.
    fn page_problem(&self, page: Option<&str>) -> Option<String> {
        let uri = page?;
        let is_it = |template: &UriTemplate| template.matches(uri).is_some();
        let is_there = self
            .resources
            .iter()
            .any(|resource| resource.definition.uri.as_deref() == Some(uri))
            || self
                .templates
                .iter()
                .any(|template| template.template.as_ref().is_ok_and(is_it));
        let told = || {
            format!(
                "its page {uri:?} is not there; add it by `.with(UiPage::new(.., {uri:?}, ..))`"
            )
        };
        (!is_there).then(told)
    }
}

/// Faults that were found so far, each in a sentence.
struct Problems {
    told: Vec<String>,
}

impl Problems {
    fn add(&mut self, kind: &str, name: &str, problem: &str) {
        self.told.push(format!("{kind} `{name}`: {problem}"));
    }

    fn add_each(&mut self, kind: &str, name: &str, problems: &[String]) {
        for problem in problems {
            self.add(kind, name, problem);
        }
    }
}

fn of_template(template: &ResourceTemplate) -> Vec<String> {
    if let Some(problem) = template.shape.problem() {
        return vec![problem.to_owned()];
    }
    let mut found = Vec::new();
    let variables: Vec<&str> = template
        .template
        .as_ref()
        .map(|uri| uri.variables().collect())
        .unwrap_or_default();
    if let Some(arguments) = template.signature.arguments {
        let fields: Vec<&str> = template
            .shape
            .properties()
            .map(|(name, _)| name.as_str())
            .collect();
        let is_open = takes_any_name(&arguments());
        for name in variables
            .iter()
            .filter(|name| !is_open && !fields.contains(name))
        {
            found.push(format!(
                "its `Args` have no field `{name}` for the variable `{{{name}}}`; add the field, or leave the variable out"
            ));
        }
        for name in required(template.shape.shown()).filter(|name| !variables.contains(name)) {
            found.push(format!(
                "its `Args` need `{name}`, which is no variable; add `{{{name}}}` to the template, or make the field an `Option`"
            ));
        }
    } else if !variables.is_empty() {
        found.push(
            "its handler takes no `Args`, and cannot know which resource is read; take `Args<T>`, where `T` has a field for \
             each variable"
                .to_owned(),
        );
    }
    of_completers(&mut found, &template.completers, "variable", &variables);
    found
}

fn of_prompt(prompt: &Prompt) -> Vec<String> {
    if let Some(problem) = prompt.problem() {
        return vec![problem];
    }
    let mut found = Vec::new();
    if !prompt
        .signature
        .arguments
        .is_some_and(|arguments| takes_any_name(&arguments()))
    {
        let names: Vec<&str> = prompt
            .shape
            .properties()
            .map(|(name, _)| name.as_str())
            .collect();
        of_completers(&mut found, &prompt.completers, "argument", &names);
    }
    found
}

/// Adds the faults of completers that complete nothing.
fn of_completers(found: &mut Vec<String>, completers: &Completers, kind: &str, names: &[&str]) {
    let known = names.join("`, `");
    let known = if names.is_empty() {
        String::new()
    } else {
        format!("; there are `{known}`")
    };
    for name in completers.names().filter(|name| !names.contains(name)) {
        found.push(format!(
            "it completes `{name}`, which is no {kind} of it{known}"
        ));
    }
}

/// True if arguments of that schema may have names that are no fields of it, as those of a map.
fn takes_any_name(schema: &Schema) -> bool {
    schema
        .get("additionalProperties")
        .is_some_and(|others| *others != Value::Bool(false))
}

/// The names of fields that have to be there.
fn required(schema: &Schema) -> impl Iterator<Item = &str> {
    schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}
