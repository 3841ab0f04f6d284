//! New clients (RFC 7591).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{CLIENT_SECONDS, Registry};
use crate::client::Client;
use crate::registration::{self, RegistrationError};
use crate::secret::{Secret, sha256_hex};

/// Random bytes of an id: 128 bits meet no other id.
const ID_BYTES: usize = 16;

/// Random bytes of a secret: 256 bits cannot be guessed.
const SECRET_BYTES: usize = 32;

/// A registration that was accepted.
#[derive(Debug)]
pub struct Registered {
    /// The status of the answer: 201 (RFC 7591 section 3.2.1), also where the client was known already.
    pub status: u16,
    /// The body of the answer. It has the secret, for the only time: it must not be stored.
    pub body: Secret,
    /// The client.
    pub client: Client,
    /// True if no such client was registered before.
    pub is_new: bool,
}

impl Registry<'_> {
    /// Registers a client (RFC 7591 section 3). Identical metadata of a public client yields the same `client_id`:
    /// another one would be no more than a second name for what anybody can say they are.
    ///
    /// # Errors
    /// When the metadata is refused, there were too many new clients lately, or the store fails.
    pub async fn register(&self, json: &str) -> Result<Registered, RegistrationError> {
        let mut client = registration::parse(json, &self.settings.offer)?;
        if !client.is_public() {
            return self.register_confidential(client).await;
        }
        let name = self
            .keys
            .anchor_mac("client id", registration::canonical(&client).as_bytes());
        client.id = URL_SAFE_NO_PAD.encode(name.get(..ID_BYTES).unwrap_or(&name));
        let known = self
            .registered(&client.id)
            .await
            .map_err(RegistrationError::Unavailable)?;
        let is_new = known.is_none();
        client.registered = known
            .as_ref()
            .map_or(self.now_s(), |known| known.registered);
        client.expires = Some(self.now_s() + CLIENT_SECONDS);
        match known {
            Some(known) if !self.is_due(&known) => client = known,
            // If that fails it is as good as it was.
            Some(known) => client = self.put(&client).await.map_or(known, |()| client),
            None => self.put_new(&client).await?,
        }
        let body = Secret::new(registration::answer(&client, None));
        Ok(Registered {
            status: 201,
            body,
            client,
            is_new,
        })
    }

    async fn register_confidential(
        &self,
        mut client: Client,
    ) -> Result<Registered, RegistrationError> {
        let secret = Secret::new(
            self.random_text::<SECRET_BYTES>()
                .map_err(RegistrationError::Unavailable)?,
        );
        client.id = self
            .random_text::<ID_BYTES>()
            .map_err(RegistrationError::Unavailable)?;
        client.secret_hash = Some(sha256_hex(secret.secret()));
        client.registered = self.now_s();
        client.expires = Some(self.now_s() + CLIENT_SECONDS);
        self.put_new(&client).await?;
        let body = Secret::new(registration::answer(&client, Some(secret.secret())));
        Ok(Registered {
            status: 201,
            body,
            client,
            is_new: true,
        })
    }

    async fn put_new(&self, client: &Client) -> Result<(), RegistrationError> {
        let counted = self.rates.borrow_mut().registration(self.address, self.now);
        counted.map_err(|retry_after| RegistrationError::TooMany { retry_after })?;
        self.put(client)
            .await
            .map_err(RegistrationError::Unavailable)
    }
}
