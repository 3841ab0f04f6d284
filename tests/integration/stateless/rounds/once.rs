//! Work that runs a single time, although each round runs its handler again.

use super::*;

#[test]
fn work_inside_once_runs_a_single_time_over_all_rounds() {
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    let begun = Rc::new(Cell::new(0));
    let beginnings = Rc::clone(&begun);
    let ordering = move |client: Client| {
        let (runs, begun) = (Rc::clone(&counter), Rc::clone(&beginnings));
        async move {
            begun.set(begun.get() + 1);
            let first = word(client.elicit("word", "1").await?);
            let made = async || {
                runs.set(runs.get() + 1);
                Ok::<_, Error>(format!("order {}", runs.get()))
            };
            let order = client.once("order", made()).await?;
            let again = client.once("order", made()).await?;
            let second = word(client.elicit("word", "2").await?);
            let third = word(client.elicit("word", "3").await?);
            Ok::<_, Error>(format!("{order}, {again}: {first} {second} {third}"))
        }
    };
    let front = Front::new(server().tool("order", "", ordering));
    let call = calling("order", &none());
    let mut round = front.result("tools/call", &call);
    for (key, answer) in [("word", "a"), ("word-2", "b"), ("word-3", "c")] {
        assert_eq!(asked(&round), [key]);
        round = front.again("tools/call", &call, &round, &json!({ key: said(answer) }));
    }
    assert_eq!(text(&round), "order 1, order 1: a b c");
    assert_eq!((runs.get(), begun.get()), (1, 4));
}

#[test]
fn a_nan_inside_once_is_an_error_with_its_place() {
    let measuring = async |client: Client| {
        let mean = client
            .once("mean", async { Ok::<_, Error>([1.0, f64::NAN]) })
            .await?;
        Ok::<_, Error>(format!("{mean:?}"))
    };
    let front = Front::new(server().tool("measure", "", measuring));
    let result = front.result("tools/call", &calling("measure", &none()));
    let told = result["content"][0]["text"].as_str().unwrap();
    assert!(
        told.contains("What `mean` gave cannot be kept") && told.contains("`[1]`"),
        "{told}"
    );
}
