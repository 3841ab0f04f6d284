use super::*;

#[test]
fn the_log_has_a_line_for_each_request_and_no_content() {
    let rig = Rig::new(server());
    let slow = rig.post(call(
        "secret-id",
        "slow",
        &json!({ "ms": 70, "more": "secret-argument" }),
    ));
    rig.advance(70);
    assert_eq!(slow.answer().status, 200);
    increment_to(&rig, "1");
    rig.post(call(1, "secret-tool", &none())).answer();
    rig.post(request(1, "secret/method", &none())).answer();
    rig.post(notification("secret/notification", &none()))
        .answer();
    rig.delete();
    let log = rig.host.logs.take();
    assert_eq!(
        log,
        [
            r#"{"event":"request","method":"tools/call","name":"slow","era":"2025-11-25","outcome":"ok","ms":70,"rows":0}"#,
            r#"{"event":"request","method":"tools/call","name":"increment","era":"2025-11-25","outcome":"ok","ms":0,"rows":1}"#,
            r#"{"event":"request","method":"tools/call","era":"2025-11-25","outcome":"error","code":-32602,"ms":0,"rows":0}"#,
            r#"{"event":"request","method":"?","era":"2025-11-25","outcome":"error","code":-32601,"ms":0,"rows":0}"#,
            r#"{"event":"http","method":"DELETE /mcp","outcome":"ok","code":204,"ms":0,"rows":0}"#,
        ]
    );
}

#[test]
fn an_answer_to_the_hub_leaves_no_line() {
    let rig = Rig::new(server());
    let answer = rig.send(
        Method::POST,
        &[(
            durable_mcp_worker::transport::internal_headers::TRANSPORT,
            "notice",
        )],
        Ok("tools".to_owned()),
    );
    assert_eq!(answer.answer().status, 410);
    assert_eq!(rig.host.logs.take(), Vec::<String>::new());
}
