//! Streams that a notice is for: of one user, of a task, of everybody.

use durable_mcp::prelude::*;
use durable_mcp_protocol::change::Change;
use durable_mcp_worker::hub::user_tag;
use durable_mcp_worker::session::publication::Publication;
use durable_mcp_worker::testing::doubles::host::START;
use serde_json::json;

use super::{Rig, Stream, listener, methods, tools};

fn of_task(id: &str, user: Option<&str>) -> Publication {
    Publication {
        about: format!("task {id}"),
        method: "notifications/tasks".to_owned(),
        params: json!({ "taskId": id }).to_string(),
        user: user.map(str::to_owned),
        except: None,
    }
}

#[test]
fn a_change_for_one_user_reaches_the_streams_of_that_user_alone() {
    let rig = Rig::new();
    let [mut ann, mut windows, mut bob, mut nobody] =
        [Some("ann"), Some("ann"), Some("bob"), None].map(|user| rig.open(&listener(user)));
    let own = Publication {
        user: Some("ann".to_owned()),
        ..Publication::of(&Change::Resource("test://a".to_owned()))
    };
    rig.publish(&own);
    assert_eq!(
        [&mut ann, &mut windows, &mut bob, &mut nobody].map(Stream::heard),
        [1, 1, 0, 0]
    );
    rig.publish(&tools());
    assert_eq!(
        [&mut ann, &mut windows, &mut bob, &mut nobody].map(Stream::heard),
        [1, 1, 1, 1]
    );
}

#[test]
fn a_user_tag_reveals_nothing_of_the_user() {
    let tag = |subject: &str| {
        user_tag(&Caller {
            subject: Some(subject.to_owned()),
            ..Caller::default()
        })
        .unwrap()
    };
    assert_eq!(tag("ann"), tag("ann"));
    assert_ne!(tag("ann"), tag("bob"));
    assert!(tag("ann").len() == 22 && !tag("ann@example.com").contains("ann"));
    assert_eq!(user_tag(&Caller::default()), None);
}

#[test]
fn the_status_of_a_task_reaches_its_subscribers() {
    let rig = Rig::new();
    let [mut ann, mut bob] = [Some("ann"), Some("bob")].map(|user| rig.open(&listener(user)));
    rig.host
        .sessions
        .borrow_mut()
        .insert("s".to_owned(), START + 1);
    rig.publish(&of_task("t", Some("ann")));
    rig.publish(&of_task("u", Some("ann")));
    let (messages, _) = ann.read();
    assert_eq!(methods(&messages), ["notifications/tasks"]);
    assert_eq!(messages[0]["params"]["taskId"], "t");
    assert_eq!(bob.heard(), 0);
    rig.publish(&of_task("t", None));
    assert_eq!((ann.heard(), bob.heard()), (1, 1));
    assert_eq!(rig.told(), [""; 0], "sessions know no tasks");
}

#[test]
fn a_change_of_a_stateless_state_reaches_streams_and_no_session() {
    let rig = Rig::new();
    rig.join("s", START + 1000);
    let mut stream = rig.open(&listener(None));
    rig.publish(&Publication::of(&Change::Resource("test://a".to_owned())).for_no_session());
    assert_eq!((stream.heard(), rig.told()), (1, Vec::new()));
}
