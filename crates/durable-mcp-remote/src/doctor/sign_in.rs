//! Checks of the sign-in: challenge, metadata, registration, scopes.

use std::sync::Arc;

use super::probe::Probe;
use super::report::Report;
use crate::arguments::{Arguments, Grant};
use crate::http::Client;
use crate::outcome::Outcome;
use crate::sign_in::{Discovery, SignInError, examine};

/// Checks the way to a token, if the server asks for one.
pub(super) async fn check(
    report: &mut Report,
    arguments: &Arguments,
    client: Arc<Client>,
    probe: &Probe,
) {
    let Some(challenge) = &probe.challenge else {
        return;
    };
    if arguments.headers.has_authorization() {
        return;
    }
    if challenge.is_empty() {
        let advice = "none is needed here; the specification asks servers for WWW-Authenticate with resource_metadata";
        report.warn("challenge", "the 401 has no WWW-Authenticate", advice);
    } else {
        report.ok("challenge", challenge);
    }
    match examine(arguments, client, challenge).await {
        Ok(discovery) => found(report, arguments, &discovery),
        Err(SignInError::Unreachable(reason)) => {
            report.fail(
                "metadata",
                &reason,
                "check the network, or the server's operator",
                Outcome::Unreachable,
            );
        }
        Err(error) => {
            let text = error.to_string();
            let (reason, advice) = text
                .split_once("; ")
                .unwrap_or((&text, "have the server's operator correct that"));
            report.fail("metadata", reason, advice, Outcome::SignInImpossible);
        }
    }
}

fn found(report: &mut Report, arguments: &Arguments, discovery: &Discovery) {
    for (url, answer) in &discovery.asked {
        report.ok("metadata", &format!("{url}: {answer}"));
    }
    if discovery.is_guessed {
        let detail = "no authorization server has metadata; /authorize and /token of the server are tried, as in 2025-03-26";
        report.warn(
            "issuer",
            detail,
            "if a sign-in fails, ask the server's operator for a token and send it by --header-env",
        );
    } else {
        report.ok("issuer", &discovery.issuer);
    }
    match &arguments.sign_in.grant {
        Grant::DeviceCode if !discovery.has_device_endpoint => report.fail(
            "device code",
            "the authorization server has no device_authorization_endpoint",
            "leave --device-code out",
            Outcome::SignInImpossible,
        ),
        Grant::AuthorizationCode if !discovery.has_authorization_endpoint => report.fail(
            "authorization",
            "the authorization server has no authorization_endpoint",
            "use --device-code or --client-credentials",
            Outcome::SignInImpossible,
        ),
        _ => {}
    }
    registration(report, arguments, discovery);
    if discovery.scopes.is_empty() {
        report.ok("scopes", "none are asked for");
    } else {
        report.ok("scopes", &discovery.scopes);
    }
}

fn registration(report: &mut Report, arguments: &Arguments, discovery: &Discovery) {
    let sign_in = &arguments.sign_in;
    let way = if sign_in.client_info.is_some() {
        "the client of --static-oauth-client-info is used"
    } else if sign_in.client_metadata_url.is_some() && discovery.takes_client_documents {
        "the document of --client-metadata-url is used"
    } else if discovery.has_stored_client {
        "a client is registered and stored"
    } else if discovery.has_registration_endpoint {
        "a client is registered by itself (RFC 7591)"
    } else {
        let advice = "register a client with the authorization server, and give it by --static-oauth-client-info";
        return report.fail(
            "registration",
            "the authorization server registers no clients by itself",
            advice,
            Outcome::SignInImpossible,
        );
    };
    report.ok("registration", way);
}
