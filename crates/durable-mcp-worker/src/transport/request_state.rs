//! The `requestState` that a client carries from one round of a call to the next: the answers so far, sealed.
//!
//! A state opens for the same user and client, the same request, and for ten minutes (2026-07-28, Multi Round-Trip Requests,
//! "Server Requirements"). The state is opened before its request is read, so a made-up one costs no more than
//! its own length.

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::runtime::{Random, Runtime};
use durable_core::seal::{OpenError, open_with, seal_carried, try_open_carried};
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::error::Error;
use durable_mcp_protocol::jsonrpc::Request;
use durable_mcp_protocol::round_trips::{RoundTrips, given_answers, read_answers};
use serde_json::value::RawValue;

use super::request_digest::{RequestDigest, request_digest};
use super::session_id::Binding;

const PURPOSE: &str = "request state";

/// Time that a client has for a round, in milliseconds: the same that one with a session has to answer.
pub const ROUND_WITHIN_MS: u64 = 10 * 60 * 1000;

/// The most bytes of all answers to one call: they travel to and fro with each of its rounds.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The longest state that is opened, in bytes: all answers in base64, with room for the other sealed data and a name.
const MAX_STATE_BYTES: usize = 2 * MAX_ANSWER_BYTES;

/// The members of a request that differ from round to round.
const OF_THE_ROUND: [&str; 3] = ["_meta", "inputResponses", "requestState"];

const TIME_BYTES: usize = 8;

/// The name of a question, and its answer.
type Answer = (String, Box<RawValue>);

/// Stands between what is sealed and the name of a state that an earlier round began.
const BEGAN: char = '~';

/// The name of the state that an earlier round of this request began, which the client has not been told yet.
#[must_use]
pub fn begun_state(request: &Request) -> Option<String> {
    let state = request
        .params
        .fields()
        .optional_text("requestState")
        .ok()??;
    state.split_once(BEGAN).map(|(_, name)| name.to_owned())
}

/// Seals what was answered so far; none if that is too long to travel. `begun` is the name of a state that the call began.
///
/// # Errors
/// When there is no randomness.
pub fn seal(
    rounds: &RoundTrips,
    begun: Option<&str>,
    request: &Request,
    caller: &Caller,
    now: u64,
    keys: &Keys,
    random: &dyn Random,
) -> Result<Option<String>, RuntimeError> {
    let answers = rounds.answers_json();
    if answers.len() > MAX_ANSWER_BYTES {
        return Ok(None);
    }
    let expires = now.saturating_add(ROUND_WITHIN_MS).to_be_bytes();
    let plain = [expires.as_slice(), &digest(request), answers.as_bytes()].concat();
    let sealed = seal_carried(keys, PURPOSE, &bound_to(caller), &plain, random)?;
    Ok(Some(match begun {
        Some(name) => format!("{sealed}{BEGAN}{name}"),
        None => sealed,
    }))
}

/// The rounds of a call that goes on with this request, with all that was answered.
///
/// # Errors
/// −32602 when it brings something that cannot be taken; or the runtime's failure.
pub async fn rounds(
    request: &Request,
    caller: &Caller,
    runtime: &dyn Runtime,
) -> Result<Result<RoundTrips, Error>, RuntimeError> {
    let fields = request.params.fields();
    let earlier = match fields.raw("requestState") {
        None => Vec::new(),
        Some(state) if state.get().len() > MAX_STATE_BYTES => return Ok(Err(refused())),
        Some(_) => match fields.optional_text("requestState") {
            Err(error) => return Ok(Err(error)),
            Ok(state) => {
                match earlier_answers(&state.unwrap_or_default(), request, caller, runtime).await? {
                    Some(answers) => answers,
                    None => return Ok(Err(refused())),
                }
            }
        },
    };
    Ok(given_answers(&request.params).and_then(|given| together(earlier, given)))
}

/// The rounds with the answers of earlier requests and those of this one. The last round has the same limit as those whose
/// answers travel on.
fn together(earlier: Vec<Answer>, given: Vec<Answer>) -> Result<RoundTrips, Error> {
    let answers: Vec<_> = earlier.into_iter().chain(given).collect();
    let bytes: usize = answers
        .iter()
        .map(|(name, answer)| name.len() + answer.get().len())
        .sum();
    if bytes > MAX_ANSWER_BYTES {
        Err(too_long())
    } else {
        Ok(RoundTrips::new(answers))
    }
}

/// The error of answers that are too long together.
pub(super) fn too_long() -> Error {
    Error::invalid_params(format!(
        "All answers to one call together may have {MAX_ANSWER_BYTES} bytes. Send shorter ones."
    ))
}

fn refused() -> Error {
    Error::invalid_params(
        "This `requestState` is not of this request and user, or too old. Send the request again without it.",
    )
}

/// Answers of earlier rounds; `None` if the state is not of this request.
async fn earlier_answers(
    state: &str,
    request: &Request,
    caller: &Caller,
    runtime: &dyn Runtime,
) -> Result<Option<Vec<Answer>>, RuntimeError> {
    let state = state.split(BEGAN).next().unwrap_or_default();
    let (bound, now) = (bound_to(caller), runtime.now());
    let opened = open_with(runtime, Format::RequestState, |keys| {
        open(state, &bound, now, keys)
    })
    .await?;
    Ok(opened
        .filter(|sealed| sealed.of_request == digest(request))
        .map(|sealed| sealed.answers))
}

/// Content of a sealed request state.
struct Sealed {
    of_request: RequestDigest,
    answers: Vec<Answer>,
}

fn open(state: &str, bound: &[u8], now: u64, keys: &Keys) -> Result<Sealed, OpenError> {
    let plain = try_open_carried(keys, PURPOSE, bound, state)?;
    let (time, rest) = plain
        .split_first_chunk::<TIME_BYTES>()
        .ok_or(OpenError::OtherVersion)?;
    if u64::from_be_bytes(*time) < now {
        return Err(OpenError::NotSealed);
    }
    let (of_request, answers) = rest.split_first_chunk().ok_or(OpenError::OtherVersion)?;
    let answers = str::from_utf8(answers).map_err(|_| OpenError::OtherVersion)?;
    let answers = read_answers(answers).map_err(|_| OpenError::OtherVersion)?;
    Ok(Sealed {
        of_request: *of_request,
        answers,
    })
}

/// The user, the client, and [`Caller::sessions_since`]: so a grant that is newer than the end of another one does not
/// resume a call of that one.
fn bound_to(caller: &Caller) -> Vec<u8> {
    // Most callers have no such time.
    let since = if caller.sessions_since > 0 {
        caller.sessions_since.to_be_bytes().to_vec()
    } else {
        Vec::new()
    };
    [Binding::of(caller).as_bytes(), &since].concat()
}

/// Digest of what the request asks for in all its rounds.
fn digest(request: &Request) -> RequestDigest {
    let fields = request.params.fields();
    request_digest(
        &request.method,
        fields
            .iter()
            .filter(|(name, _)| !OF_THE_ROUND.contains(name)),
    )
}
