use durable_mcp::prelude::*;

use super::*;

#[derive(Deserialize, JsonSchema)]
struct City {
    city: String,
}

#[derive(Deserialize, JsonSchema)]
struct Day {
    day: String,
    #[serde(default)]
    hour: Option<u8>,
}

#[derive(Deserialize, JsonSchema)]
struct Open {
    city: String,
    #[serde(flatten)]
    others: std::collections::BTreeMap<String, String>,
}

async fn city(Args(City { city }): Args<City>) -> String {
    city
}

async fn day(Args(Day { day, hour }): Args<Day>) -> String {
    format!("{day} {hour:?}")
}

async fn twice(Args(City { city }): Args<City>, _: Option<Args<Day>>) -> String {
    city
}

async fn words() -> Vec<String> {
    Vec::new()
}

/// The one problem of a server.
fn only(server: &Server) -> String {
    let problems = server.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].clone()
}

fn says(server: &Server, name: &str, what_to_do: &str) {
    let told = only(server);
    assert!(
        told.contains(&format!("`{name}`")) && told.contains(what_to_do),
        "{told}"
    );
}

#[test]
fn a_handler_with_two_args_is_left_out() {
    let resource = async |_: Args<City>, _: Args<Day>| String::new();
    for server in [
        empty().tool("t", "", twice),
        empty().prompt("t", "", twice),
        empty().resource("t", "test://t", resource),
        empty().resource_template("t", "test://{city}", twice),
    ] {
        says(&server, "t", "has the fields of both");
        assert_eq!(only(&server).matches("Args` twice").count(), 1);
    }
}

async fn words_text() -> String {
    String::new()
}

#[test]
fn a_template_whose_variables_differ_from_its_arguments_is_a_problem() {
    says(
        &empty().resource_template("t", "test://{city}/{day}", city),
        "day",
        "add the field",
    );
    says(
        &empty().resource_template("t", "test://{hour}", day),
        "day",
        "add `{day}` to the template",
    );
    says(
        &empty().resource_template("t", "test://{city}", words_text),
        "t",
        "take `Args<T>`",
    );
    let open = async |Args(Open { city, others }): Args<Open>| format!("{city}{others:?}");
    for fits in [
        empty().resource_template("t", "test://{day}", day),
        empty().resource_template("t", "test://{day}/{hour}", day),
        empty().resource_template("t", "test://{city}/{anything}", open),
        empty().resource_template("t", "test://fixed", words_text),
    ] {
        assert_eq!(fits.problems(), [""; 0]);
    }
}

#[test]
fn a_completer_of_an_unknown_argument_is_a_problem() {
    let template =
        |name: &str| ResourceTemplate::new("t", "test://{city}", city).complete(name, words);
    let prompt = |name: &str| Prompt::new("p", "", city).complete(name, words);
    assert_eq!(
        empty()
            .with(template("city"))
            .with(prompt("city"))
            .problems(),
        [""; 0]
    );
    says(&empty().with(template("town")), "town", "there are `city`");
    says(&empty().with(prompt("town")), "town", "there are `city`");
}

#[test]
fn a_tool_without_its_page_is_a_problem() {
    let tool = || Tool::new("roll", "", words_text).page("ui://dice");
    says(
        &empty().with(tool()),
        "roll",
        "add it by `.with(UiPage::new(",
    );
    assert_eq!(
        empty()
            .with(tool())
            .with(UiPage::new("dice", "ui://dice", ""))
            .problems(),
        [""; 0]
    );
}

#[test]
fn a_malformed_uri_is_a_problem() {
    for (uri, told) in [
        ("notes", "scheme"),
        ("a://b c", "`%20`"),
        ("a://%", "`%25`"),
    ] {
        says(&empty().resource("r", uri, words_text), "r", told);
        let server = empty().resource_template("r", format!("{uri}/{{city}}"), city);
        says(&server, "r", told);
        assert!(
            !server.problems()[0].contains("city"),
            "{:?}",
            server.problems()
        );
    }
    assert_eq!(
        empty().resource_template("r", "{city}:x", city).problems(),
        [""; 0]
    );
}

#[test]
fn arguments_that_are_no_object_are_a_problem() {
    says(
        &empty().tool("t", "", async |_: Args<u8>| "done"),
        "t",
        "have `Args` read a struct",
    );
}
