use super::*;

fn watching() -> Server {
    server().tool("touch", "", async |notify: Notify| {
        notify.resource_updated("test://total");
    })
}

fn subscribe(rig: &Rig, id: usize, uri: &str) -> Value {
    rig.post(request(id, "resources/subscribe", &json!({ "uri": uri })))
        .answer()
        .json()
}

#[test]
fn subscriptions_and_log_level_outlive_the_objects_sleep() {
    let rig = Rig::new(watching());
    subscribe(&rig, 1, "test://total");
    for level in ["error", "debug", "warning"] {
        rig.post(request(1, "logging/setLevel", &json!({ "level": level })))
            .answer();
    }
    assert_eq!(rig.host.memory_rows(), 4);
    rig.restart();
    let stream = rig.get(None);
    rig.post(call(1, "touch", &none())).answer();
    assert_eq!(rig.messages(&stream).len(), 1);
    let logged = rig.post(call(1, "log", &none())).read();
    let levels: Vec<_> = logged
        .messages()
        .iter()
        .filter_map(|message| message["params"]["level"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(levels, ["error"]);
}

#[test]
fn a_setting_that_is_set_again_writes_nothing() {
    let rig = Rig::new(watching());
    for _ in 0..3 {
        subscribe(&rig, 1, "test://total");
        rig.post(request(1, "logging/setLevel", &json!({ "level": "error" })))
            .answer();
    }
    assert_eq!(rig.host.memory_rows(), 2);
    let unsubscribe = |uri| {
        rig.post(request(1, "resources/unsubscribe", &json!({ "uri": uri })))
            .answer()
            .json()
    };
    assert_eq!(unsubscribe("test://never")["result"], none());
    assert_eq!(rig.host.memory_rows(), 2);
    assert_eq!(unsubscribe("test://total")["result"], none());
    assert_eq!(rig.host.memory_rows(), 3);
}

#[test]
fn subscriptions_are_limited_and_an_ended_one_makes_room() {
    let rig = Rig::new(watching());
    for n in 0..MAX_SUBSCRIPTIONS {
        assert_eq!(subscribe(&rig, n, &format!("test://{n}"))["result"], none());
    }
    let refused = subscribe(&rig, 999, "test://more");
    assert_eq!(refused["error"]["code"], -32000);
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains(&MAX_SUBSCRIPTIONS.to_string())
    );
    assert_eq!(
        subscribe(&rig, 1, "test://3")["result"],
        none(),
        "that one is subscribed to already"
    );
    rig.restart();
    assert_eq!(subscribe(&rig, 999, "test://more")["error"]["code"], -32000);
    rig.post(request(
        1,
        "resources/unsubscribe",
        &json!({ "uri": "test://3" }),
    ))
    .answer();
    assert_eq!(subscribe(&rig, 999, "test://more")["result"], none());
}
