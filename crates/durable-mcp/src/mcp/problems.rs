//! The faults of what was registered.

use schemars::Schema;
use serde_json::Value;

use super::completion::Completers;
use super::prompt::Prompt;
use super::resource::ResourceTemplate;
use super::server::Server;
use super::template::UriTemplate;

impl Server {
    /// The faults of what was registered, each with the name of its feature and what to do. A feature that cannot be served is
    /// left out of the lists. A test of yours asserts that there is none; a running server logs them, and shows them on the page at `/`
    /// to a browser on the same machine. To find them makes every schema.
    ///
    /// ```
    /// use durable_mcp::prelude::*;
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Day { day: String }
    /// async fn forecast(Args(Day { day }): Args<Day>) -> String { day }
    ///
    /// let server = Server::new("weather", "1.0.0").resource_template("forecast", "weather://{city}/{day}", forecast);
    /// assert!(server.problems()[0].contains("`city`"));
    /// ```
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let tools = self.tools.iter().flat_map(|tool| {
            let found = tool.problem().map(str::to_owned).into_iter().chain(self.page_problem(tool.page_uri()));
            found.map(|problem| format!("tool `{}`: {problem}", tool.definition.name))
        });
        let templates = self.templates.iter().flat_map(|template| {
            let found = of_template(template).into_iter();
            found.map(|problem| format!("resource template `{}`: {problem}", template.definition.name))
        });
        let prompts = self.prompts.iter().flat_map(|prompt| {
            let found = of_prompt(prompt).into_iter();
            found.map(|problem| format!("prompt `{}`: {problem}", prompt.definition.name))
        });
        self.problems.iter().cloned().chain(tools).chain(templates).chain(prompts).collect()
    }

    /// The fault of a tool that names a page which is not there.
    fn page_problem(&self, page: Option<&str>) -> Option<String> {
        let uri = page?;
        let is_it = |template: &UriTemplate| template.matches(uri).is_some();
        let is_there = self.resources.iter().any(|resource| resource.definition.uri.as_deref() == Some(uri))
            || self.templates.iter().any(|template| template.template.as_ref().is_ok_and(is_it));
        let told = || format!("its page {uri:?} is not there; add it by `.with(Page::new(.., {uri:?}, ..))`");
        (!is_there).then(told)
    }
}

fn of_template(template: &ResourceTemplate) -> Vec<String> {
    if let Some(problem) = template.shape.problem() {
        return vec![problem.to_owned()];
    }
    let variables: Vec<&str> = template.template.iter().flat_map(UriTemplate::variables).collect();
    let Some(arguments) = template.signature.arguments else {
        let told = "its handler takes no `Args`, and cannot know which resource is read; \
             take `Args<T>`, where `T` has a field for each variable";
        let told = (!variables.is_empty()).then(|| told.to_owned());
        return told.into_iter().chain(of_completers(&template.completers, "variable", &variables)).collect();
    };
    let fields: Vec<&str> = template.shape.properties().map(|(name, _)| name.as_str()).collect();
    let is_open = takes_any_name(&arguments());
    let without_field = variables.iter().filter(|name| !is_open && !fields.contains(name)).map(|name| {
        format!(
            "its `Args` have no field `{name}` for the variable `{{{name}}}`; add the field, or leave the variable out"
        )
    });
    let without_variable = required(template.shape.shown()).filter(|name| !variables.contains(name)).map(|name| {
        format!("its `Args` need `{name}`, which is no variable; add `{{{name}}}` to the template, or make the field an `Option`")
    });
    let completers = of_completers(&template.completers, "variable", &variables);
    without_field.chain(without_variable).chain(completers).collect()
}

fn of_prompt(prompt: &Prompt) -> Vec<String> {
    if let Some(problem) = prompt.problem() {
        return vec![problem];
    }
    let is_open = prompt.signature.arguments.is_some_and(|arguments| takes_any_name(&arguments()));
    let names: Vec<&str> = prompt.shape.properties().map(|(name, _)| name.as_str()).collect();
    if is_open { Vec::new() } else { of_completers(&prompt.completers, "argument", &names).collect() }
}

/// The faults of completers that complete nothing.
fn of_completers(completers: &Completers, kind: &str, names: &[&str]) -> impl Iterator<Item = String> {
    let known = names.join("`, `");
    let known = if names.is_empty() { String::new() } else { format!("; there are `{known}`") };
    let lost = completers.names().filter(|name| !names.contains(name));
    lost.map(|name| format!("it completes `{name}`, which is no {kind} of it{known}")).collect::<Vec<_>>().into_iter()
}

/// Whether arguments of that schema may have names that are no fields of it, as those of a map.
fn takes_any_name(schema: &Schema) -> bool {
    schema.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false))
}

/// The names of fields that have to be there.
fn required(schema: &Schema) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
