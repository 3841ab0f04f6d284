use super::*;
use crate::support::object::Exchange;

async fn count(progress: Progress, sleep: Sleep, log: Log) -> &'static str {
    progress.report(1, 3, "one of three");
    log.error("not for tasks");
    sleep.ms(1000).await;
    progress.report(2, 3, "");
    sleep.ms(1000).await;
    progress.step(3);
    sleep.ms(1000).await;
    "counted"
}

fn watching() -> Front {
    Front::new(server().with(Tool::new("count", "", count).task_optional())).knowing_tasks()
}

/// Watches tasks; those that it will hear of.
fn watch(front: &Front, ids: &[&str]) -> (Exchange, Value) {
    let stream = front.ask(
        "subscriptions/listen",
        &json!({ "notifications": { "taskIds": ids } }),
    );
    let acknowledged = stream.read().messages()[0]["params"]["notifications"].clone();
    (stream, acknowledged)
}

/// The statuses on a stream since the last call.
fn told(front: &Front, stream: &Exchange) -> Vec<String> {
    front.deliver();
    let messages = stream.read().messages();
    let status = |message: &Value| {
        assert_eq!(message["method"], "notifications/tasks");
        assert!(
            message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"].is_number(),
            "{message}"
        );
        assert!(
            message["params"]["ttlMs"].is_number() && message["params"]["taskId"].is_string(),
            "{message}"
        );
        message["params"]["status"].as_str().unwrap().to_owned()
    };
    messages.iter().map(status).collect()
}

#[test]
fn progress_becomes_the_status_message_of_a_task() {
    let front = watching();
    let id = begin(&front, "count", &none());
    front.advance(1);
    let says = |front: &Front| get(front, &id)["statusMessage"].clone();
    assert_eq!(says(&front), "one of three");
    front.advance(1000);
    assert_eq!(says(&front), "");
    front.advance(1000);
    assert_eq!(says(&front), "3.0");
    let rows = front.task().store.rows_written();
    front.advance(1000);
    let done = get(&front, &id);
    assert_eq!(
        (&done["status"], done.get("statusMessage")),
        (&json!("completed"), None)
    );
    assert!(rows <= 2, "progress is worth no row: {rows}");
}

#[test]
fn status_changes_of_a_task_reach_its_subscribers() {
    let front = watching();
    let [watched, other] = [(); 2].map(|()| begin(&front, "together", &none()));
    let (stream, honoured) = watch(&front, &[&watched]);
    assert_eq!(honoured, json!({ "taskIds": [watched] }));
    update(&front, &other, &json!({ "word": said("x") }));
    assert_eq!(told(&front, &stream), [""; 0]);
    update(&front, &watched, &json!({ "word": said("a") }));
    assert_eq!(told(&front, &stream), ["input_required"]);
    update(
        &front,
        &watched,
        &json!({ "word-2": said("b"), "where": { "roots": [] } }),
    );
    assert_eq!(told(&front, &stream).last().unwrap(), "input_required");
    front.deliver();
    update(&front, &watched, &json!({ "word-3": said("c") }));
    front.deliver();
    let messages = stream.read().messages();
    let last = &messages.last().unwrap()["params"];
    assert_eq!(
        (&last["status"], &last["result"]["content"][0]["text"]),
        (&json!("completed"), &json!("a b 0 c"))
    );
}

#[test]
fn subscribers_learn_that_a_task_was_cancelled_or_interrupted() {
    let front = watching();
    let [cancelled, cut_off] = [(); 2].map(|()| begin(&front, "slow", &json!({ "ms": 1000 })));
    let (stream, _) = watch(&front, &[&cancelled, &cut_off]);
    cancel(&front, &cancelled);
    assert_eq!(told(&front, &stream), ["cancelled"]);
    front.restart();
    front.advance(30_000);
    assert_eq!(told(&front, &stream), ["failed"]);
}

#[test]
fn only_own_tasks_can_be_subscribed_to() {
    let front = watching();
    let id = begin(&front, "slow", &json!({ "ms": 1000 }));
    let (_, honoured) = watch(&front, &["made up", &id, ""]);
    assert_eq!(honoured, json!({ "taskIds": [id] }));
    assert_eq!(watch(&front, &["made up"]).1, none());
    assert_eq!(front.tasks(), 1);
}

#[test]
fn a_task_without_subscribers_publishes_nothing() {
    let front = watching();
    let id = begin(&front, "ask", &none());
    update(&front, &id, &json!({ "word": said("a") }));
    assert_eq!(front.host.published.borrow().len(), 0);
    assert_eq!(status(&front, &id), "completed");
}

#[test]
fn a_task_publishes_changes_as_any_call_does() {
    let change = async |notify: Notify| {
        notify.tools_changed();
        "changed"
    };
    let front =
        Front::new(server().with(Tool::new("change", "", change).task_optional())).knowing_tasks();
    begin(&front, "change", &none());
    front.advance(0);
    let about: Vec<_> = front
        .host
        .published
        .take()
        .into_iter()
        .map(|publication| publication.about)
        .collect();
    assert_eq!(about, ["tools"]);
}

#[test]
fn one_part_of_a_task_continues_while_another_waits() {
    let both = async |client: Client, sleep: Sleep| -> Result<String, Error> {
        let work = async {
            sleep.ms(1000).await;
            "worked"
        };
        let (said, worked) = join(client.elicit("word", "?"), work).await;
        Ok(format!("{} {worked}", word(said?)))
    };
    let front =
        Front::new(server().with(Tool::new("both", "", both).task_optional())).knowing_tasks();
    let id = begin(&front, "both", &none());
    update(&front, &id, &json!({ "word": said("a") }));
    assert_eq!(status(&front, &id), "working");
    front.advance(1000);
    assert_eq!(get(&front, &id)["result"]["content"][0]["text"], "a worked");
}
