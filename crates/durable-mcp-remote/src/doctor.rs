//! `doctor URL`: checks each step of a connection, and says what to do about those that fail.

mod local;
mod probe;
mod report;
mod server;
mod sign_in;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use crate::arguments::Arguments;
use crate::event_loop::event_loop;
use crate::http::Client;
use crate::login;
use crate::outcome::Outcome;
use probe::Probe;
use report::Report;

/// Runs all checks and prints them.
pub(crate) fn run(arguments: &Arguments, json: bool, login: bool) -> ExitCode {
    let Some(runtime) = event_loop() else {
        return ExitCode::FAILURE;
    };
    let report = runtime.block_on(examine(arguments, login));
    if json {
        println!("{:#}", report.json(&arguments.url.parsed));
    } else {
        print!("{}", report.text());
    }
    report.outcome().exit_code()
}

async fn examine(arguments: &Arguments, login: bool) -> Report {
    let mut report = Report::default();
    let environment = |name: &str| env::var(name).ok();
    local::store(&mut report, arguments);
    local::callback_port(&mut report, arguments);
    local::proxy(&mut report, arguments, &environment);
    let client = match Client::new(arguments) {
        Ok(client) => Arc::new(client),
        Err(reason) => {
            report.fail("certificates", &reason, "correct the flag", Outcome::Usage);
            return report;
        }
    };
    for warning in arguments.warnings.iter().chain(&client.warnings) {
        report.warn("settings", warning, "correct the flag or the variable");
    }
    if local::address(&mut report, arguments, &environment).await {
        let mut probe = Probe::new(Arc::clone(&client), arguments);
        if login
            && let Err((outcome, reason)) = login::sign_in(arguments, Arc::clone(&client)).await
        {
            report.fail(
                "login",
                &reason,
                "see the checks of the sign-in below",
                outcome,
            );
        }
        local::token(&mut report, arguments, &mut probe);
        server::check(&mut report, arguments, &mut probe).await;
        sign_in::check(&mut report, arguments, client, &probe).await;
    }
    report
}
