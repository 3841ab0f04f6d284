use super::*;

#[derive(Default, Serialize, Deserialize)]
struct Notes(Vec<String>);

#[derive(Default, Serialize, Deserialize)]
#[serde(rename = "Counter")]
struct Renamed {
    total: i64,
    #[serde(default)]
    more: bool,
}

async fn note(notes: Session<Notes>, counter: Session<Counter>) -> Result<String, ToolError> {
    let count = notes.update(|Notes(all)| {
        all.push("n".to_owned());
        all.len()
    })?;
    Ok(format!("{count} and {}", counter.get()?.total))
}

async fn renamed(counter: Session<Renamed>) -> Result<String, ToolError> {
    let counter = counter.get()?;
    Ok(format!("{} {}", counter.total, counter.more))
}

async fn grow(notes: Session<Notes>) -> Result<String, ToolError> {
    notes.update(|Notes(all)| all.push("x".repeat(MAX_STATE_BYTES)))?;
    Ok("grown".to_owned())
}

fn with_notes() -> Server {
    server()
        .tool("note", "", note)
        .tool("renamed", "", renamed)
        .tool("grow", "", grow)
}

#[test]
fn each_state_type_has_a_value_of_its_own() {
    let rig = Rig::new(with_notes());
    increment_to(&rig, "1");
    assert_eq!(rig.text("note", &none()), "1 and 1");
    assert_eq!(rig.text("note", &none()), "2 and 1");
    rig.restart();
    assert_eq!(rig.text("note", &none()), "3 and 1");
    assert_eq!(
        rig.text("renamed", &none()),
        "1 false",
        "an old value fits a type with a new field"
    );
}

#[test]
fn a_state_that_is_too_long_is_refused_and_the_old_one_stays() {
    let rig = Rig::new(with_notes());
    assert_eq!(rig.text("note", &none()), "1 and 0");
    let rows = rig.host.memory_rows();
    let answer = rig.post(call(1, "grow", &none())).answer();
    assert_eq!(answer.json()["result"]["isError"], true);
    assert!(
        answer.text.contains(&MAX_STATE_BYTES.to_string()),
        "{answer:?}"
    );
    assert_eq!(rig.host.memory_rows(), rows);
    assert_eq!(rig.text("note", &none()), "2 and 0");
}

#[derive(Default, Serialize, Deserialize)]
struct Mean {
    values: Vec<f64>,
}

async fn divide(mean: Session<Mean>) -> Result<String, ToolError> {
    mean.update(|mean| mean.values.push(f64::INFINITY))?;
    Ok("divided".to_owned())
}

async fn mean(mean: Session<Mean>) -> Result<String, ToolError> {
    Ok(format!("{:?}", mean.get()?.values))
}

#[test]
fn a_state_with_nan_is_refused_and_the_old_one_stays() {
    let rig = Rig::new(
        with_notes()
            .tool("divide", "", divide)
            .tool("mean", "", mean),
    );
    let answer = rig.post(call(1, "divide", &none())).answer();
    assert_eq!(answer.json()["result"]["isError"], true);
    assert!(answer.text.contains("`values[0]`"), "{answer:?}");
    assert_eq!(rig.text("mean", &none()), "[]");
}

#[test]
fn a_state_that_no_longer_fits_its_type_is_an_error_and_is_kept() {
    let rig = Rig::new(server());
    rig.host
        .memory()
        .plant_state("Counter", r#"{"total":"many"}"#);
    for tool in ["total", "increment"] {
        let answer = rig.post(call(1, tool, &none())).answer();
        assert_eq!(answer.json()["result"]["isError"], true, "{answer:?}");
        assert!(
            answer.text.contains("Try again in a moment") && !answer.text.contains("many"),
            "{answer:?}"
        );
        let told = rig.host.warnings.take();
        let is_named = |line: &String| {
            line.contains("Counter") && line.contains("session-rows") && !line.contains("many")
        };
        assert!(told.iter().any(is_named), "{told:?}");
    }
    rig.host.memory().plant_state("Counter", r#"{"total":41}"#);
    rig.restart();
    increment_to(&rig, "42");
}

#[test]
fn a_changed_state_runs_its_hook_once_a_call_before_the_answer() {
    let runs = Rc::new(Cell::new(0));
    let seen = Rc::clone(&runs);
    let hook = move |notify: Notify, counter: Session<Counter>| {
        seen.set(seen.get() + 1);
        async move {
            // A change by the hook itself does not call it again.
            let _ = counter.update(|counter| counter.total += 100);
            notify.resource_updated("test://total");
        }
    };
    let twice = async |counter: Session<Counter>| {
        counter.update(|counter| counter.total += 1)?;
        counter.update(|counter| counter.total += 1)?;
        Ok::<_, ToolError>("twice")
    };
    let rig = Rig::new(server().tool("twice", "", twice).on_state_update(hook));
    assert_eq!(
        rig.post(request(
            1,
            "resources/subscribe",
            &json!({ "uri": "test://total" })
        ))
        .answer()
        .status,
        200
    );
    let stream = rig.get(None);
    assert_eq!(rig.text("total", &none()), "0");
    assert_eq!(runs.get(), 0);
    assert_eq!(rig.text("twice", &none()), "twice");
    assert_eq!(runs.get(), 1);
    assert_eq!(rig.text("total", &none()), "102");
    let told = rig.messages(&stream);
    let updated = json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": { "uri": "test://total" } });
    assert_eq!(told, [updated]);
}

#[test]
fn a_panicking_change_does_not_write_the_state() {
    let panics = async |counter: Session<Counter>| {
        counter.update(|counter| {
            counter.total = 1000;
            panic!("half way");
        })?;
        Ok::<_, ToolError>("never")
    };
    let rig = Rig::new(server().tool("panics", "", panics));
    increment_to(&rig, "1");
    let answer = rig.post(call(1, "panics", &none())).answer();
    assert_eq!(answer.json()["result"]["isError"], true, "{answer:?}");
    assert_eq!(rig.host.memory_rows(), 1);
    increment_to(&rig, "2");
}
