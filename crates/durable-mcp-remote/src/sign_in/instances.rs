//! One sign-in for all instances on a machine: who holds the callback port runs it, the others wait for its tokens.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::callback::{BoundPort, ID_PATH};
use super::context::CallbackPort;
use super::error::SignInError;
use crate::store::StoreKey;

/// Ports that are tried, as the reference does.
const CANDIDATES: u16 = 8;
/// Pause between two looks at the tokens and the port of another instance.
const PAUSE: Duration = Duration::from_millis(250);
/// Looks after which the other instance is asked again whether it is one.
const LOOKS: u32 = 20;
/// Time that an instance has to say what it is.
const ID_TIME: Duration = Duration::from_secs(5);

/// Part of this instance in the sign-in.
#[derive(Debug)]
pub(crate) enum Role {
    /// Runs the sign-in at this port.
    Owner {
        bound: BoundPort,
        /// Whether another instance held the port until now, and may have opened a window.
        has_taken_over: bool,
    },
    /// Another one has done it.
    SignedIn,
}

/// Takes a port, or waits until another instance has signed in or is gone. The caller bounds the wait.
pub(crate) async fn coordinate(
    key: &StoreKey,
    port: CallbackPort,
    is_signed_in: impl Fn() -> bool,
    following: impl Fn(),
) -> Result<Role, SignInError> {
    let candidates: Vec<u16> = (0..if port.is_fixed { 1 } else { CANDIDATES })
        .filter_map(|step| port.first.checked_add(step))
        .collect();
    loop {
        let sibling = match take_port(&candidates, key, &is_signed_in).await? {
            Taken::Role(role) => return Ok(role),
            Taken::BySibling(port) => port,
        };
        following();
        if let Some(role) = follow(sibling, key, &is_signed_in).await {
            return Ok(role);
        }
    }
}

/// Outcome of the attempt to take a port.
enum Taken {
    Role(Role),
    /// Another instance that signs in to the same server has this one.
    BySibling(u16),
}

/// Takes the first port that is free, unless another instance is found before it.
async fn take_port(
    candidates: &[u16],
    key: &StoreKey,
    is_signed_in: impl Fn() -> bool,
) -> Result<Taken, SignInError> {
    for (place, port) in candidates.iter().enumerate() {
        match BoundPort::take(*port).await {
            // The instance that held the port stored its tokens before it released it.
            Ok(_) if is_signed_in() => return Ok(Taken::Role(Role::SignedIn)),
            Ok(bound) => {
                let earlier = candidates.get(..place).unwrap_or_default();
                let owner = |bound| {
                    Taken::Role(Role::Owner {
                        bound,
                        has_taken_over: false,
                    })
                };
                let sibling = first_sibling(earlier, key).await;
                return Ok(sibling.map_or_else(|| owner(bound), Taken::BySibling));
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if is_sibling(*port, key).await {
                    return Ok(Taken::BySibling(*port));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => {
                return Err(SignInError::impossible(format!(
                    "port {port} cannot be listened on: {error}"
                )));
            }
        }
    }
    Err(no_port(candidates))
}

fn no_port(candidates: &[u16]) -> SignInError {
    let (first, last) = (
        candidates.first().copied().unwrap_or_default(),
        candidates.last().copied().unwrap_or_default(),
    );
    let which = if first == last {
        format!("port {first}")
    } else {
        format!("each port from {first} to {last}")
    };
    SignInError::impossible(format!(
        "{which} is held by another program, so a browser could not come back: give another port after the URL"
    ))
}

/// Waits for the tokens or the port of another instance; `None` if something else holds the port now.
async fn follow(port: u16, key: &StoreKey, is_signed_in: &impl Fn() -> bool) -> Option<Role> {
    for look in 1.. {
        if is_signed_in() {
            return Some(Role::SignedIn);
        }
        if let Ok(bound) = BoundPort::take(port).await {
            // The owner may have finished since the tokens were read.
            return Some(if is_signed_in() {
                Role::SignedIn
            } else {
                Role::Owner {
                    bound,
                    has_taken_over: true,
                }
            });
        }
        if look % LOOKS == 0 && !is_sibling(port, key).await {
            return None;
        }
        sleep(PAUSE).await;
    }
    None
}

async fn first_sibling(candidates: &[u16], key: &StoreKey) -> Option<u16> {
    for port in candidates {
        if is_sibling(*port, key).await {
            return Some(*port);
        }
    }
    None
}

/// Whether an instance, of this program or the reference, signs in to the same server at a port.
pub(crate) async fn is_sibling(port: u16, key: &StoreKey) -> bool {
    let Ok(Some(identity)) = timeout(ID_TIME, identity(port)).await else {
        return false;
    };
    let hash = identity.get("serverUrlHash").and_then(Value::as_str);
    identity.get("mcpRemote") == Some(&Value::Bool(true)) && hash == Some(key.as_str())
}

async fn identity(port: u16) -> Option<Map<String, Value>> {
    const MAX_ANSWER: u64 = 8 * 1024;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    let request =
        format!("GET {ID_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream
        .take(MAX_ANSWER)
        .read_to_end(&mut answer)
        .await
        .ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let is_success = head.split(' ').nth(1) == Some("200");
    serde_json::from_str(body).ok().filter(|_| is_success)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::net::TcpListener;

    use super::*;
    use crate::store::key::KeyParts;

    fn key(server: &str) -> StoreKey {
        StoreKey::new(&KeyParts {
            server,
            ..KeyParts::default()
        })
    }

    /// Listener that answers with an identity until it is dropped.
    async fn instance(key: &StoreKey) -> (u16, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let body =
            serde_json::json!({ "mcpRemote": true, "serverUrlHash": key.as_str() }).to_string();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 256];
                let _ = stream.read(&mut request).await;
                let _ = stream
                    .write_all(format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes())
                    .await;
            }
        });
        (port, task)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_instance_that_waits_for_another_uses_its_tokens() {
        let (port, other) = instance(&key("a")).await;
        let looks = Cell::new(0);
        let is_signed_in = || {
            looks.set(looks.get() + 1);
            looks.get() > 2
        };
        let role = coordinate(
            &key("a"),
            CallbackPort {
                first: port,
                is_fixed: false,
            },
            is_signed_in,
            || {},
        )
        .await
        .unwrap();
        assert!(matches!(role, Role::SignedIn));
        other.abort();
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_port_of_an_ended_instance_is_taken_over() {
        let (port, other) = instance(&key("a")).await;
        let role = coordinate(
            &key("a"),
            CallbackPort {
                first: port,
                is_fixed: true,
            },
            || false,
            || other.abort(),
        )
        .await
        .unwrap();
        assert!(matches!(role, Role::Owner { bound, has_taken_over: true } if bound.port == port));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_fixed_port_held_by_another_program_is_an_error() {
        let (port, other) = instance(&key("another server")).await;
        let error = coordinate(
            &key("a"),
            CallbackPort {
                first: port,
                is_fixed: true,
            },
            || false,
            || {},
        )
        .await
        .unwrap_err();
        assert!(error.to_string().contains(&format!("port {port}")));
        let role = coordinate(
            &key("a"),
            CallbackPort {
                first: port,
                is_fixed: false,
            },
            || false,
            || {},
        )
        .await
        .unwrap();
        assert!(matches!(role, Role::Owner { bound, has_taken_over: false } if bound.port != port));
        other.abort();
    }
}
